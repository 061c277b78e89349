import { timeText } from "./documents/forms.ts";
import { nothing, type Query, within } from "./query.ts";

/** Microseconds of what `date_nanos` holds and a number tells exactly: 1970 to 2255. */
export const [firstTime, lastTime] = [0, Number.MAX_SAFE_INTEGER] as const;

/** Records of a span, `until` not included. */
export function startedIn(since: number, until: number): Query {
  if (since >= until || until <= firstTime || since > lastTime) return nothing;
  return within("@timestamp", {
    gte: timeText(Math.max(since, firstTime)),
    ...(until > lastTime ? {} : { lt: timeText(until) }),
  });
}
