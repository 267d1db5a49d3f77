/** Creates the parts that extras run beside the bot, and joins them to one. */

import type { Setup } from "../../bot.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import type { DashboardLink } from "../../interactions/base/context.ts";
import type { OwnCalls } from "../shared/store_calls.ts";
import type { Served, ServedPart, ServeExtra } from "./served_part.ts";

/** The parts of a process, as one. */
export interface ServedParts {
  /** Answers a request: the first part that knows it, or else the bot. */
  readonly answer: RequestHandler;
  /** Calls of commands, by name. */
  readonly calls: OwnCalls;
  /** Makes a login link of the dashboard. */
  link(): Promise<DashboardLink>;
  /** The config was read, or read again. Each part gets it at once. */
  applied(setup: Setup): Promise<void>;
  /** The bot begins to stop. */
  leave(): Promise<void>;
  /** Ends the listeners. */
  close(): Promise<void>;
  /** The very end of the process. */
  end(): Promise<void>;
}

/** Creates the parts of these extras. */
export async function createServedParts(
  extras: readonly ServeExtra[],
  served: Served,
): Promise<ServedParts> {
  const creates = await Promise.all(extras.map(({ serve: load }) => load?.()));
  const parts = creates.flatMap((create) => create ? [create(served)] : []);
  const each = async (tell: (part: ServedPart) => void | Promise<void>): Promise<void> => {
    for (const part of parts) await tell(part);
  };
  return {
    answer(request) {
      for (const part of parts) {
        const answered = part.answer?.(request);
        if (answered) return answered;
      }
      return served.bot.http(request);
    },
    calls: Object.assign({}, ...parts.map(({ calls }) => calls)) as OwnCalls,
    link: async (): Promise<DashboardLink> =>
      await parts.find((part) => part.link)?.link?.() ?? { kind: "none" },
    /** All parts at once: none waits until another one listens. */
    applied: async (setup: Setup): Promise<void> => {
      await Promise.all(parts.map((part) => part.applied?.(setup)));
    },
    leave: () => each((part) => part.leave?.()),
    close: () => each((part) => part.close?.()),
    end: () => each((part) => part.end?.()),
  };
}
