import type { Clock } from "../../core/clock.ts";
import { type Api, ApiError } from "../../core/kube/api/api.ts";
import type { Deed } from "./people.ts";

export interface Performance {
  readonly deeds: readonly Deed[];
  readonly api: (user: string) => Api;
  readonly clock: Clock;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Lets people do what they do at its time, each by a request of his own; what is refused is told. */
export async function perform({ deeds, api, clock, say, signal }: Performance): Promise<void> {
  const begin = clock.monotonic();
  for (const { atMs, who, does, method, path, body } of deeds) {
    await clock.sleep(Math.max(0, begin + atMs - clock.monotonic()), signal);
    if (signal.aborted) return;
    try {
      await api(who).send(method, path, { ...(body && { body }), headers: { "user-agent": "kubectl/demo" } });
      say(`${who} ${does}`);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.status === 0) throw thrown;
      say(`${who} ${does}, and is refused: ${reasonIn(thrown)}`);
    }
  }
}

/** `DELETE /apis/…: 403 networkpolicies… is forbidden: …` without the request. */
function reasonIn({ message }: ApiError): string {
  return message.replace(/^[A-Z]+ \S+: \d+ /, "");
}
