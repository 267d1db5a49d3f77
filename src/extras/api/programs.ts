/** Reads the programs of the config (O14). */

import type { BotConfig } from "../../config/config.ts";
import { DEFAULT_ACCOUNT } from "../../config/schema/accounts.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import type { ApiProgram } from "./http/app.ts";

export function programsOf(
  { api, accounts }: Pick<BotConfig, "api" | "accounts">,
): readonly ApiProgram[] {
  const ids = accounts.map(({ accountId }) => accountId);
  const usual = ids.find((id) => id === DEFAULT_ACCOUNT) ?? ids[0];
  return Object.entries(api.programs).flatMap(([program, written]): readonly ApiProgram[] => {
    const { token, user, account, agent: agentId, perMinute, atOnce } = written;
    const accountId = account === undefined ? usual : ids.find((id) => id === account);
    const userId = parseSnowflake<"user">(user);
    if (!accountId || !userId) return []; // the config was checked
    return [{ program, token: token.reveal(), userId, accountId, agentId, perMinute, atOnce }];
  });
}
