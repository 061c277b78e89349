import { cutMiddle } from "./text.ts";

/** Something that is no connection (a loss, a change of policy) as lines; long ones go on under their beginning. */
export function noticeLines(time: string, sign: string, text: string, width: number): readonly string[] {
  const lead = `${time} ${sign} `;
  const lines = wrap(text, width - lead.length);
  return lines.map((line, i) => (i === 0 ? lead : " ".repeat(lead.length)) + line);
}

function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if ([...longer].length > room && line !== "") {
      lines.push(line);
      line = cutMiddle(word, room);
    } else line = cutMiddle(longer, room);
  }
  return [...lines, line];
}
