/**
 * Connects voice with an account (V1). Without `voice` in the config, none of its code is loaded, and
 * the code of sound only with the first call.
 */

import type { BotAccount } from "../../account/account.ts";
import type { AccountPart } from "../../bot/bot_extra.ts";
import { createLoader } from "../../lib/loader.ts";
import type { VoicePeople } from "./people/account_people.ts";
import type { createAccountTalk as CreateTalk } from "./talk/account_talk.ts";
import type { Calls } from "./line/call.ts";

export function createAccountVoice(account: BotAccount): AccountPart {
  const { voiceIndex } = account;
  if (!voiceIndex) return { start: () => void endAll(account) }; // with `voice`, it connects again
  let made: Calls | undefined;
  let people: VoicePeople | undefined;
  let talks: ReturnType<typeof CreateTalk> | undefined;
  const own = account.forPart("voice");
  const link = createLoader(async () => {
    const { createCalls } = await import("./link/calls.ts");
    return made = createCalls(account, voiceIndex);
  });
  const talk = createLoader(async () => {
    const { createAccountTalk } = await import("./talk/account_talk.ts");
    talks = createAccountTalk(own);
    return talks.talk;
  });
  const { get } = createLoader(async () => {
    const { createVoicePeople } = await import("./people/account_people.ts");
    return people = createVoicePeople(own, voiceIndex, link.get, talk.get);
  });
  let isOn = false;
  voiceIndex.onChange((guildId) => isOn && people?.calls.changed(guildId));

  return {
    start(): void {
      get().then(async ({ calls }) => {
        isOn = true;
        await calls.start();
      }).catch((error: unknown) => own.log.error("Cannot begin with voice channels", { error }));
    },
    reconfigured: () => people?.calls.reconfigured(),
    events: {
      personForgotten: (userId) => people?.calls.personForgotten(userId),
    },
    commands: {
      join: async (call) => await (await get()).join(call),
      leave: async (call) => await (await get()).leave(call),
      deafen: async (call) => await (await get()).deafen(call),
    },
    presses: { hear: async (press) => await (await get()).press(press) },
    voice: async (...call) => await (await get()).act(...call),
    speechOf: (turn) => talks?.speechOf(turn),
    findings: () =>
      (people?.calls.failures() ?? []).map((why) => ({
        id: "voice",
        what: "Voice",
        status: "warn",
        why,
        fix: "correct `voice` in the config, or give the bot's role the permission in that channel",
      })),
    async stop(): Promise<void> {
      isOn = false;
      await people?.calls.stop();
      await made?.stop();
    },
  };
}

/** Ends the calls of a config that had `voice`, and with them the consents. */
async function endAll(
  { accountId, store: { voice }, log }: Pick<BotAccount, "accountId" | "store" | "log">,
): Promise<void> {
  try {
    for (const row of await voice.calls(accountId)) await voice.end(row, false);
  } catch (error) {
    log.warn("Cannot end calls of a config with `voice`", { error });
  }
}
