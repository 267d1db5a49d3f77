/**
 * `/stop` and the Stop button: stop turns of the channel (S5).
 *
 * @module
 */

import type { ButtonPress, CommandCall } from "../../core/inbound/interactions.ts";
import { STOP_BUTTON } from "../../core/outbound/stop_button.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import type { Component } from "../base/component.ts";
import type { InteractionContext } from "../base/context.ts";

/** Stops the asker's turns in the channel; in a direct message, or with the right to, all. */
export const stop: Command = {
  name: "stop",
  description: "Stop my current work here",
  options: [],
  needs: "everyone",
  run: stopHere,
};

/** The button below a progress line. It does the same, so it needs no state of its own. */
export const stopButton: Component = {
  kind: "button",
  name: STOP_BUTTON,
  needs: "everyone",
  run: async (press, context) => ({ how: "reply", text: await stopHere(press, context) }),
  failedText: (texts) => notice("failure", { id: "stop" }, texts),
};

async function stopHere(
  call: CommandCall | ButtonPress,
  { turns, texts, log }: InteractionContext,
): Promise<string> {
  const { accountId, channelId, place, sender } = call;
  // A user install is no direct message, though its rules are: others may be in the channel.
  const isDirect = place.kind === "dm" && !call.isElsewhere;
  const isAll = isDirect || (!call.isElsewhere && await turns.mayStopAll(call));
  const scope = { accountId, channelId, ...(!isAll && { userId: sender.id }) };
  const count = await turns.stop(scope);
  log.info("A person stopped turns", {
    interactionId: call.id,
    channelId,
    stoppedBy: sender.id,
    isAll,
    count,
  });
  return notice(count > 0 ? "stopped" : "nothingToStop", {}, texts());
}
