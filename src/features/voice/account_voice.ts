/**
 * Connects voice with an account (V1). Without `voice` in the config, none of its code is loaded, and
 * the code of sound only with the first call.
 */

import type { BotAccount } from "../../account/account.ts";
import { voices } from "../../flows/turn/steps.ts";
import type { AccountPart } from "../../account/features.ts";

export function createAccountVoice(created: BotAccount): AccountPart {
  const account = created.forPart("voice");
  const { voiceIndex, log } = account;
  if (!voiceIndex) return { start: () => void endAll(account) }; // with `voice`, it connects again
  let loaded: typeof import("./calls.ts") | undefined;
  const calls = async () => loaded ??= await import("./calls.ts");
  voiceIndex.onChange((guildId) => loaded?.voiceChanged(account, guildId));

  Object.assign(
    voices(account),
    {
      of: (turn) => loaded?.callSpeech(account, turn),
      findings: () =>
        (loaded?.callFailures(account) ?? []).map((why) => ({
          id: "voice",
          what: "Voice",
          status: "warn",
          why,
          fix:
            "correct `voice` in the config, or give the bot's role the permission in that channel",
        })),
    } satisfies ReturnType<typeof voices>,
  );
  return {
    start(): void {
      calls().then(({ startCalls }) => startCalls(account)).catch((error: unknown) =>
        log.error("Cannot begin with voice channels", { error })
      );
    },
    changed: (forgotten) => loaded?.callsChanged(account, forgotten),
    async stop(): Promise<void> {
      await loaded?.stopCalls(account);
    },
  };
}

/** Ends the calls of a config that had `voice`, and with them the consents. */
async function endAll({ accountId, store: { voice }, log }: BotAccount): Promise<void> {
  try {
    for (const row of await voice.calls(accountId)) await voice.end(row, false);
  } catch (error) {
    log.warn("Cannot end calls of a config with `voice`", { error });
  }
}
