/** Creates the parts that features run beside the bot, and joins them to one. */

import type { BotOptions, DashboardLink, RunningBot, Setup } from "../../bot.ts";
import type { Feature } from "../../features/feature.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import type { OwnMethods } from "../shared/store_methods.ts";

/** The running process, of which a part takes what it needs. */
export interface Served
  extends Pick<BotOptions, "store" | "dataDir" | "env" | "build" | "logging" | "setup"> {
  readonly bot: RunningBot;
  /** Reads the config file again. */
  readonly reload: () => Promise<void>;
  /** Address of the HTTP server. */
  readonly base: () => string;
}

/** A part beside the bot; it takes the moments that it needs. */
export interface ServedPart {
  /** The config was read, or read again. Never rejects. */
  applied?(setup: Setup): void | Promise<void>;
  /** Answers a request of the HTTP server; `undefined`: it is for another. */
  answer?(request: Request): ReturnType<RequestHandler> | undefined;
  /** Methods that commands of the command line may ask for. */
  readonly methods?: OwnMethods;
  /** Makes a login link, for the command `/dashboard`. */
  link?(): Promise<DashboardLink>;
  /** The bot begins to stop: takes nothing new. */
  leave?(): Promise<void>;
  /** Ends its listeners and its work. */
  close?(): void | Promise<void>;
  /** The very end: until then, programs here wait for answers. */
  end?(): Promise<void>;
}

export async function createServedParts(features: readonly Feature[], served: Served) {
  const creates = await Promise.all(features.map(({ serve: load }) => load?.()));
  const parts = creates.flatMap((create) => create ? [create(served)] : []);
  const log = served.logging.forPart("main");
  /** One after the other; a failure of one must not keep the others from their end. */
  const each = async (end: (part: ServedPart) => void | Promise<void>): Promise<void> => {
    for (const part of parts) {
      await Promise.try(() => end(part)).catch((error: unknown) =>
        log.error("Cannot end a feature", { error })
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
      await parts.find((part) => part.link)?.link?.() ?? { kind: "off" },
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
