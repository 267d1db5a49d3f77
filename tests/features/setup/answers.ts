/** Answers of a finished setup. */

import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { SetupState } from "../../../src/features/setup/answers/state.ts";

export const OWNER = { id: parseSnowflake<"user">("1420000000000000009")!, name: "ana" };
export const OTHER = { id: parseSnowflake<"user">("1420000000000000008")!, name: "ben" };
export const GUILD = { id: parseSnowflake<"guild">("1420000000000000001")!, name: "Harbour" };
const CHANNEL = { id: parseSnowflake<"channel">("1420000000000000002")!, name: "help" };

export const FINISHED: SetupState = {
  token: "token-of-krill",
  bot: {
    applicationId: parseSnowflake<"application">("1498000000000000000")!,
    name: "Krill",
    flags: 0,
    needsCodeGrant: false,
    owners: [OWNER],
  },
  intents: "settled",
  places: [{ ...GUILD, channels: [CHANNEL] }],
  owner: OWNER,
  model: {
    providerId: "openai",
    name: "gpt-5-mini",
    kind: "openai-compatible",
    key: "sk-test",
    isPaid: true,
  },
  limit: { kind: "money", perDay: 2, prices: { input: 0.25, output: 2 } },
};
