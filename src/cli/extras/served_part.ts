/** Declares what an extra runs beside the bot in its process: a listener, or work by the clock. */

import type { BotOptions, RunningBot, Setup } from "../../bot.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import type { DashboardLink } from "../../bot.ts";
import type { OwnMethods } from "../shared/store_methods.ts";

export interface ServeExtra {
  /** Loads its part, once the bot runs. */
  readonly serve?: () => Promise<(running: Served) => ServedPart>;
}

/** The running process, of which a part takes what it needs. */
export interface Served
  extends Pick<BotOptions, "store" | "dataDir" | "env" | "build" | "logging" | "setup"> {
  readonly bot: RunningBot;
  /** Reads the config file again. */
  readonly reload: () => Promise<void>;
  /** Address of the HTTP server; `undefined`: there is none. */
  readonly base: () => string | undefined;
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
