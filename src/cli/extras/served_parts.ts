/** Creates the parts that extras run beside the bot, and joins them to one. */

import type { Setup } from "../../bot.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import type { DashboardLink } from "../../bot.ts";
import type { OwnMethods } from "../shared/store_methods.ts";
import type { Served, ServedPart, ServeExtra } from "./served_part.ts";

export async function createServedParts(
  extras: readonly ServeExtra[],
  served: Served,
) {
  const creates = await Promise.all(extras.map(({ serve: load }) => load?.()));
  const parts = creates.flatMap((create) => create ? [create(served)] : []);
  const log = served.logging.forPart("main");
  /** One after the other; a failure of one must not keep the others from their end. */
  const each = async (end: (part: ServedPart) => void | Promise<void>): Promise<void> => {
    for (const part of parts) {
      await Promise.try(() => end(part)).catch((error: unknown) =>
        log.error("Cannot end an extra", { error })
      );
    }
  };
  return {
    /** Answers a request: the first part that knows it, or else the bot. */
    answer(request: Request): ReturnType<RequestHandler> {
      for (const part of parts) {
        const answered = part.answer?.(request);
        if (answered) return answered;
      }
      return served.bot.http(request);
    },
    /** Calls of commands, by name. */
    methods: Object.assign({}, ...parts.map(({ methods }) => methods)) as OwnMethods,
    link: async (): Promise<DashboardLink> =>
      await parts.find((part) => part.link)?.link?.() ?? { kind: "none" },
    /** The config was read, or read again. Each part gets it at once: none waits for another one. */
    applied: async (setup: Setup): Promise<void> => {
      await Promise.all(parts.map((part) => part.applied?.(setup)));
    },
    /** The bot begins to stop. */
    leave: () => each((part) => part.leave?.()),
    close: () => each((part) => part.close?.()),
    end: () => each((part) => part.end?.()),
  };
}
