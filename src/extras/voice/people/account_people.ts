/** Connects the people of calls with Discord, the config and the store. */

import { wakeChannels } from "../../../account/wakes.ts";
import type { BotAccount } from "../../../account/account.ts";
import { cleanSecrets } from "../../../account/secrets.ts";
import type { VoiceStates } from "../../../core/discord/voice.ts";
import { textRulesOf } from "../../../account/rules.ts";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import type { ButtonPress, CommandCall } from "../../../core/inbound/interactions.ts";
import { nonceOfCall } from "../../../core/outbound/nonce.ts";
import { CHANNEL_KINDS } from "../../../core/rights/channel.ts";
import type { VoicePort } from "../../../core/turn/ports/voice.ts";
import { createMissingPermission } from "../../../discord/rest/permissions/explain_denial.ts";
import { type CommandAnswer, partsOf } from "../../../interactions/base/command.ts";
import { composeOnce } from "../../../render/reply.ts";
import type { CallPlace, Calls, Talk, TalkPorts } from "../line/call.ts";
import { createVoiceCalls, NO_CALL } from "./calls.ts";
import type { InCallPorts } from "./in_call.ts";
import { createMembers } from "./members.ts";
import { termsOf } from "./terms.ts";

export function createVoicePeople(
  account: BotAccount,
  voice: Pick<VoiceStates, "of">,
  loadCalls: () => Promise<Calls>,
  loadTalk: () => Promise<(ports: TalkPorts) => Talk>,
) {
  const { accountId, config, now, reader, rest, settings, store } = account;
  const clean = (text: string) => cleanSecrets(account, text);
  const missingPermission = createMissingPermission(rest, now);

  async function post(
    { guildId, channelId }: CallPlace,
    text: string,
    key: string,
    { edits, ...further }: Parameters<InCallPorts["post"]>[2] = {},
  ): Promise<void> {
    const rules = textRulesOf(config(), { cleanSecrets: clean, uploadLimit: 0 });
    const keyOf = (of: string) => `voice:${of}`;
    const composed = composeOnce({ accountId, channelId, guildId, text }, keyOf(key), rules);
    const draft = edits === undefined
      ? undefined
      : { nonce: nonceOfCall(keyOf(edits), 0), becomes: "this" as const };
    const frozen = composed.map((one) => ({
      ...{ ...one, draft },
      message: { ...one.message, ...further },
    }));
    await store.outbox.addAll(frozen, now());
    wakeChannels(account, [channelId]);
  }

  async function askToSpeak({ guildId, channelId }: CallPlace): Promise<void> {
    const type = reader.index.get(guildId)?.channels.get(channelId)?.type;
    const userId = account.self()?.userId;
    if (type !== CHANNEL_KINDS.stage || userId === undefined) return;
    const own = voice.of(guildId).find((one) => one.userId === userId);
    if (own?.isMuted === false) return;
    const isModerator =
      await missingPermission({ guildId, channelId, userId }, ["Mute Members"]) === undefined;
    const wish = isModerator
      ? { suppress: false }
      : { request_to_speak_timestamp: new Date(now()).toISOString() };
    const body = { channel_id: channelId, ...wish };
    await rest.request("PATCH", `/guilds/${guildId}/voice-states/@me`, { body });
  }

  const calls = createVoiceCalls(account, {
    ...{ missingPermission, askToSpeak, post },
    states: voice,
    index: () => reader.index,
    members: createMembers(account, voice),
    terms: () => termsOf(config(), (agentId) => settings.models.of(agentId), account.bot.env),
    calls: loadCalls,
    talk: loadTalk,
  });
  const idOf = (written: unknown) =>
    typeof written === "string" ? parseSnowflake<"channel">(written) : undefined;

  return {
    calls,
    join: async ({ guildId, channelId, sender, options }: CommandCall): Promise<CommandAnswer> =>
      guildId
        ? await calls.join(guildId, [sender.id], channelId, idOf(options["channel"]))
        : NO_CALL,
    leave: async ({ guildId, sender }: CommandCall): Promise<string> =>
      guildId ? await calls.leave(guildId, [sender.id]) : NO_CALL,
    deafen: async ({ guildId, sender }: CommandCall): Promise<string> =>
      guildId ? await calls.deafen(guildId, sender.id) : NO_CALL,
    async press({ guildId, customId, sender }: ButtonPress): Promise<string> {
      const [, how, callId = ""] = customId.split(":");
      if (!guildId) return NO_CALL;
      if (how === "off") return await calls.deafen(guildId, sender.id);
      return await calls.agree(guildId, sender, callId);
    },
    act: (async (action, messages) => {
      const [{ guildId, channelId }] = messages;
      const askers = [...new Set(messages.map(({ sender }) => sender.id))];
      if (!guildId) return NO_CALL;
      switch (action.action) {
        case "join":
          return partsOf(await calls.join(guildId, askers, channelId, action.channelId)).text;
        case "leave":
          return await calls.leave(guildId, askers);
        case "say":
          return await calls.speak(guildId, askers, clean(action.text));
      }
    }) satisfies VoicePort,
  };
}

export type VoicePeople = ReturnType<typeof createVoicePeople>;
