/**
 * Finds the images that the tools of a turn have drawn, for its reply (R12).
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ToolCall } from "../../core/model.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import type { Step } from "../../core/step.ts";

/** Reads drawn images of a message's turn by their ids. */
export type ReadDrawn = (
  messageId: MessageId,
  ids: readonly string[],
) => Promise<readonly OutboundFile[]>;

/** Reads the images that the steps of a turn have drawn, in their order. */
export async function drawnFiles(
  steps: readonly Step[],
  messageId: MessageId,
  read: ReadDrawn | undefined,
): Promise<readonly OutboundFile[]> {
  const ids = drawnBy(steps);
  return ids.length === 0 || !read ? [] : await read(messageId, ids);
}

/** The ids of drawn images, from the results of the tool `draw`. */
function drawnBy(steps: readonly Step[]): readonly string[] {
  let calls: readonly ToolCall[] = [];
  return steps.flatMap((step) => {
    if (step.kind === "answer") calls = step.calls;
    if (step.kind !== "result" || step.end !== "done") return [];
    const isDraw = calls.some(({ id, name }) => id === step.callId && name === "draw");
    const [, id] = isDraw && /drawing-(\d+)/.exec(step.text) || [];
    return id === undefined ? [] : [id];
  });
}
