import { randomBytes } from "node:crypto";
import { access } from "node:fs/promises";
import { userInfo } from "node:os";
import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { ControlFolder } from "./folder.ts";
import type { Order } from "./messages.ts";

// A process that is up answers within a second or two, even if it is busy.
const patienceMs = 10_000;
const lookMs = 50;

/**
 * Asks the process that runs on this data folder to do something; what it says it did. Throws CONTROL_UNANSWERED if there is none, or if
 * it refuses.
 */
export async function askRunning(order: Order, dataFolder: string, clock: Clock): Promise<string> {
  const folder = new ControlFolder(dataFolder);
  const id = randomBytes(16).toString("hex");
  const request = { format: "sluice control 1", id, at: clock.now(), by: whoAsks(), order } as const;
  try {
    // The process makes it; a folder that we made would only hide that it is the wrong one.
    await access(folder.requests);
    await folder.ask(request);
  } catch (cause) {
    throw unanswered(`${dataFolder} has no control folder for us (${messageOf(cause)})`, dataFolder);
  }
  const deadline = clock.monotonic() + patienceMs;
  try {
    for (;;) {
      const answer = await folder.answerTo(id);
      if (answer?.done === true) return answer.text;
      if (answer !== undefined) throw new SluiceError("CONTROL_UNANSWERED", answer.text);
      if (clock.monotonic() > deadline) throw unanswered(`nobody answered within ${patienceMs / 1000} s`, dataFolder);
      await clock.sleep(lookMs);
    }
  } finally {
    await folder.forget(id);
  }
}

function unanswered(why: string, dataFolder: string): SluiceError {
  const hint = `is "sluice up" running with --data.folder ${dataFolder}, and are you root or its user?`;
  return new SluiceError("CONTROL_UNANSWERED", `${why}; ${hint}`);
}

/** As sudo tells; else who runs this. */
function whoAsks(): string {
  const sudo = process.env["SUDO_USER"];
  try {
    const { username, uid } = userInfo();
    return (sudo === undefined ? `${username} (${uid})` : `${sudo} (sudo)`).replace(/[^\w@.() -]/g, "?").slice(0, 100);
  } catch {
    return `user ${process.geteuid?.() ?? "?"}`;
  }
}
