import { SluiceError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader } from "./netfilter.ts";
import type { NetlinkSocket } from "./socket.ts";

// batch => begin message* end        include/uapi/linux/netfilter/nfnetlink.h, NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END
//   one datagram; nfgenmsg of both ends carries the subsystem as its resource
const edge = { begin: 16, end: 17 } as const;

// The kernel copies a batch into one piece of its memory. 50,000 intervals are 2.6 MB; the largest rulesets we load are below 20.
const maxBatchBytes = 64 * 2 ** 20;

export interface Refusal {
  /** Which of the messages; -1 if it was the batch as a whole, at its commit. */
  readonly index: number;
  readonly answer: Answer;
}

/**
 * Carries out all messages of a netfilter subsystem, or none. Undefined if the kernel did; else its first refusal, in the
 * order of messages: the later ones are often only its consequences. Throws if the kernel would not take the batch at all.
 */
export function sendBatch(
  socket: NetlinkSocket,
  system: number,
  messages: readonly MessageWriter[],
): Refusal | undefined {
  if (messages.length === 0) return undefined;
  const ends = (type: number) =>
    new MessageWriter(type, messageFlag.request).raw(netfilterHeader(netfilterFamily.unspecified, system));
  const bytes = messages.reduce((sum, { length }) => sum + length, 0);
  if (bytes > maxBatchBytes)
    throw new SluiceError("NETLINK_FAILED", `a batch of ${bytes} bytes is beyond ${maxBatchBytes}`);
  // Older kernels do not acknowledge the end itself. Whether the commit went well is in the answer to the beginning.
  messages.at(-1)?.askForAcknowledgement();
  const answers = socket.transact([ends(edge.begin), ...messages, ends(edge.end)]);
  const refusals = answers.filter(({ errno }) => errno !== 0).sort((a, b) => a.sequence - b.sequence);
  const first = refusals.find(({ sequence }) => sequence > 0) ?? refusals[0];
  return first && { index: first.sequence - 1, answer: first };
}
