/** Images, for tools: drawn within budgets, counted, and kept until the reply takes them. */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ModelUsage } from "../../core/model.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import { chargeOf, usedBy } from "../../core/spending/usage.ts";
import { FileError } from "../../core/turn/media.ts";
import type { DrawPort } from "../../core/turn/ports/host.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { Account } from "../../core/account/account.ts";

export interface Drawing {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /**
   * Draws an image.
   *
   * @throws {FileError} If there is none; or the signal's reason.
   */
  readonly draw: (
    prompt: string,
    signal: AbortSignal,
  ) => Promise<{ readonly bytes: Uint8Array; readonly usage: ModelUsage }>;
}

export function createDrawPort(
  { now }: Pick<Account, "now">,
  { drawing, drawings, spend, agentId }: {
    /** The model of the current config; `undefined` if it names none. */
    readonly drawing: () => Drawing | undefined;
    /** Keeps drawn images, and returns their ids. */
    readonly drawings: { keep(message: InboundMessage, bytes: Uint8Array): Promise<string> };
    /** Counts costs, and refuses a request beyond a budget. */
    readonly spend: SpendPort;
    readonly agentId: string;
  },
): DrawPort {
  return {
    async draw(prompt, message, signal) {
      const by = drawing();
      if (!by) throw new Error("no model draws here");
      const used = usedBy(message, agentId);
      if (await spend.check(used, "image")) {
        throw new RefusedCall("budget", "today's budget is used up");
      }
      const startedAt = now();
      try {
        const { bytes, usage } = await by.draw(prompt, signal);
        const ms = Math.max(0, now() - startedAt);
        spend.record(chargeOf(usage, by.modelId, "image", used, ms, now()));
        return await drawings.keep(message, bytes);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        throw new Error(`no image: ${error.message}`, { cause: error });
      }
    },
  };
}
