/**
 * Runs a command once its asker's rights are checked, and makes its answer (K2, K3).
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { CommandWork } from "../../interactions/base/command.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import type { Log } from "../../lib/log.ts";
import { notice } from "../../render/notices/notices.ts";

/** Everything that running a command needs from outside. */
export interface RunCommandPorts {
  /** Judges by policy whether the person may give the command. */
  readonly authorize: (call: CommandCall, needs: CommandNeeds) => Verdict | Promise<Verdict>;
  /** Passed to each command, and used for the texts of notices. */
  readonly context: InteractionContext;
  /** Reports failed commands and refused people. */
  readonly log: Log;
}

/** Characters of a message at Discord. */
const MAX_LENGTH = 2_000;

/**
 * Runs a command.
 *
 * @returns The answer; a refusal and a failure are answers, too.
 */
export async function runCommand(
  call: CommandCall,
  { needs, run }: CommandWork,
  { authorize, context, log }: RunCommandPorts,
): Promise<string> {
  const texts = context.texts();
  try {
    const { kind, why, rule } = await authorize(call, needs);
    if (kind !== "accept") {
      log.debug("Refused a command: this user has no right to it", { ...idsOf(call), why, rule });
      return notice("notAuthorized", {}, texts);
    }
    const text = await run(call, context);
    if (text !== "" && text.length <= MAX_LENGTH) return text;
    throw new RangeError(`/${call.name} answered with ${text.length} characters`);
  } catch (error) {
    log.error("A command failed", { ...idsOf(call), error });
    return notice("failure", { id: call.id }, texts);
  }
}

/** For the log; the token of an interaction is a secret, and options are the asker's words. */
export function idsOf(
  { id, name, channelId, sender }: CommandCall,
): Readonly<Record<"interactionId" | "command" | "channelId" | "usedBy", string>> {
  return { interactionId: id, command: name, channelId, usedBy: sender.id };
}
