import assert from "node:assert/strict";
import { changeText } from "../../../sinks/live/change-text.ts";
import { LiveView } from "../../../sinks/live/live-view.ts";
import { Output } from "../../../sinks/live/output.ts";
import { plain } from "../../../sinks/live/paint.ts";
import { change, controlChange, nftActor } from "../../support/changes.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeStream } from "../../support/text-stream.ts";

const did = "removed 1 rule of chain egress_forward; repaired after 34 ms";

describe("sinks/live/change-text", () => {
  const cases: readonly (readonly [title: string, text: string, expected: string])[] = [
    [
      "who, what, and what became of it",
      changeText(change()),
      `node-1: nft (pid 4711, root, "nft delete rule inet sluice egress_forward handle 7") ${did}`,
    ],
    [
      "who logged in, and in which container",
      changeText(
        change({ actor: { ...nftActor, login: "ada", container: "0123456789ab", commandLine: null, ancestors: [] } }),
      ),
      `node-1: nft (pid 4711, root, logged in as ada, container 0123456789ab) ${did}`,
    ],
    [
      "who started a process that had ended",
      changeText(
        change({ actor: { ...nftActor, commandLine: null, ancestors: ["bash (pid 812): bash -l", "sshd (pid 7)"] } }),
      ),
      `node-1: nft (pid 4711, root, started by bash (pid 812): bash -l) ${did}`,
    ],
    [
      "a process that was gone at once",
      changeText(change({ actor: { ...nftActor, user: null, commandLine: null, ancestors: [] } })),
      `node-1: nft (pid 4711) ${did}`,
    ],
    ["nobody", changeText(change({ actor: null })), `node-1: somebody ${did}`],
    [
      "many of a kind",
      changeText(change({ actor: null }), 57),
      `node-1: somebody ${did}; the last of 57 more like it within a minute`,
    ],
    [
      "what was not put right",
      changeText(
        change({
          actor: null,
          outcome: "unrepaired",
          end: null,
          outcomeDetail: "it was not put right while we watched",
        }),
      ),
      "node-1: somebody removed 1 rule of chain egress_forward; it was not put right while we watched",
    ],
    [
      "no more than text of what a process calls itself",
      changeText(
        change({
          actor: { ...nftActor, program: "\x1b[2Jnft", commandLine: null, user: null, pid: null, ancestors: [] },
        }),
      ),
      `node-1: \\x1b[2Jnft ${did}`,
    ],
    [
      "why somebody was not authorised",
      changeText(
        controlChange({ effectWords: "", authorised: "no", reasons: ["it is frozen", "no ticket"] }, { actor: null }),
      ),
      "somebody changed spec/order of NetworkPolicy shop/app.db; not authorised: it is frozen, no ticket",
    ],
    [
      "people whose program says nothing of itself",
      changeText(
        controlChange(
          { effectWords: "", authorised: "yes" },
          { actor: { ...nftActor, program: "", pid: null, commandLine: null, ancestors: [] } },
        ),
      ),
      "root changed spec/order of NetworkPolicy shop/app.db",
    ],
  ];
  for (const [title, text, expected] of cases) it(`tells ${title}`, () => assert.equal(text, expected));

  it("stands in the live table as a line of its own", async () => {
    const stream = new FakeStream();
    const view = new LiveView({
      output: new Output(stream),
      paint: plain,
      clock: new FakeClock(),
      width: () => Number.POSITIVE_INFINITY,
      repeatHeader: false,
    });
    await view.tampered(change(), 0);
    assert.match(
      stream.text,
      /^\d\d:\d\d:\d\d ⚠ TAMPER node-1: nft \(pid 4711, root, "nft delete rule [^"]*"\) removed 1 rule of chain egress_forward; repaired after 34 ms\n$/,
    );
  });
});
