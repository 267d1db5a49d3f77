/** Posts new entries of feeds of the web (T15). */

import type { Extra } from "../../cli/extras/extra.ts";

export const feeds: Extra = {
  commands: async () => ({ "Look after the agent": await import("./commands.ts") }),
  account: async () => (await import("./account_feeds.ts")).createAccountFeeds,
};
