import { messageOf, SluiceError } from "../../core/errors.ts";
import { within } from "../../core/kube/field.ts";
import { readPrivateFile, writePrivateFile } from "../../core/private-file.ts";

/** Up to where an audit log was read: of which file, whatever its name is by now. */
export interface LogPosition {
  readonly inode: number;
  readonly offset: number;
}

export async function loadPosition(path: string): Promise<LogPosition | undefined> {
  const text = await readPrivateFile(path, { code: "STORE_FAILED", maxBytes: 4_096 });
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const [inode, offset] = [within(value, "inode"), within(value, "offset")];
    if (Number.isSafeInteger(inode) && Number.isSafeInteger(offset)) return value as LogPosition;
  } catch (cause) {
    throw new SluiceError("STORE_FAILED", `${path}: ${messageOf(cause)}`, { cause });
  }
  throw new SluiceError("STORE_FAILED", `${path} is no position in a log; delete it to begin at the end of the log`);
}

export function savePosition(path: string, position: LogPosition): Promise<void> {
  return writePrivateFile(path, `${JSON.stringify(position)}\n`);
}
