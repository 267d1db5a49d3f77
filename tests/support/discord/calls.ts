/** Calls of commands, for tests. */

import type { CommandCall } from "../../../src/core/inbound/inbound.ts";
import { guildMessage } from "./builders.ts";

export function callOf(name: string, fields: Partial<CommandCall> = {}): CommandCall {
  const { accountId, id, channelId, guildId, place, sender } = guildMessage();
  return {
    accountId,
    id,
    channelId,
    ...(guildId !== undefined && { guildId }),
    place,
    sender,
    name,
    options: {},
    ...fields,
  };
}
