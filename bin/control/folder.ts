import { rm } from "node:fs/promises";
import { makePrivateFolder, readPrivateFile, writePrivateFile } from "../../core/private-file.ts";
import { type Answer, parseAnswer, parseRequest, type Request } from "./messages.ts";

// Nobody asks for so much.
const maxBytes = 16_384;

/** The files of `data/control`, by name. What is read must be of root or of ourselves, and writable for no other. */
export class ControlFolder {
  readonly path: string;

  constructor(dataFolder: string) {
    this.path = `${dataFolder}/control`;
  }

  get requests(): string {
    return `${this.path}/requests`;
  }

  get answers(): string {
    return `${this.path}/answers`;
  }

  async make(): Promise<void> {
    for (const folder of [this.path, this.requests, this.answers]) await makePrivateFolder(folder);
  }

  async ask(request: Request): Promise<void> {
    await writePrivateFile(`${this.requests}/${request.id}.json`, `${JSON.stringify(request)}\n`);
  }

  async answer(answer: Answer): Promise<void> {
    await writePrivateFile(`${this.answers}/${answer.id}.json`, `${JSON.stringify(answer)}\n`);
  }

  /** Undefined if it is gone. Throws CONTROL_INVALID if it is not accepted. */
  async request(name: string): Promise<Request | undefined> {
    const text = await readPrivateFile(`${this.requests}/${name}`, { code: "CONTROL_INVALID", maxBytes });
    return text === undefined ? undefined : parseRequest(text);
  }

  async answerTo(id: string): Promise<Answer | undefined> {
    const text = await readPrivateFile(`${this.answers}/${id}.json`, { code: "CONTROL_INVALID", maxBytes });
    return text === undefined ? undefined : parseAnswer(text);
  }

  async forget(id: string): Promise<void> {
    for (const folder of [this.requests, this.answers]) await rm(`${folder}/${id}.json`, { force: true });
  }
}
