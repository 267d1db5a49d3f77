/**
 * Says where the speech of a call goes, and what is kept of it (V3). A person agrees to these terms. A
 * digest of them is stored with the call: other terms need another call, with other consents.
 */

import { hash } from "node:crypto";
import type { BotAccount } from "../../../account/account.ts";
import type { Config } from "../../../config/config.ts";
import { choiceOf, namedModels } from "../../../config/models.ts";
import { type Button, HEAR_BUTTON } from "../../../core/outbound/outbound.ts";
import { isLoopbackHost } from "../../../lib/network/addresses.ts";

interface Terms {
  /** For people: the servers, and what is kept. */
  readonly speech: string;
  readonly kept: string;
  /** The same for equal terms; 12 hex digits. */
  readonly digest: string;
}

/** The key that a mode needs and the config lacks; `undefined` if it has all. */
export function missingServer({ audio, voice }: Config): string | undefined {
  if (!voice) return "voice";
  if (voice.mode === "realtime") return voice.realtime === undefined ? "voice.realtime" : undefined;
  if (audio.transcribe === undefined) return "audio.transcribe";
  return audio.speak === undefined ? "audio.speak" : undefined;
}

export function termsOf({ config, settings, bot: { env } }: BotAccount): Terms {
  const { voice, audio, models, agentList } = config();
  const names = [
    ...voice?.mode === "realtime" ? [voice.realtime] : [audio.transcribe, audio.speak],
    ...agentList.map(({ id }) => settings.models.of(id).id), // it reads the session in both modes
    ...namedModels(agentList, models),
  ];
  const servers = new Set(names.flatMap((name) => {
    const choice = name === undefined
      ? undefined
      : choiceOf(name, { ...models, namesPath: "" }, env);
    const url = choice && "provider" in choice ? URL.parse(choice.provider.baseUrl) : undefined;
    return url ? `${url.origin}${url.pathname}` : [];
  }));
  const shown = new Set([...servers].map((server) => {
    const { hostname, origin } = new URL(server); // a path may be of the operator alone
    return isLoopbackHost(hostname) ? "this machine" : `\`${origin}\``;
  }));
  const isPosted = voice?.transcript === true;
  return {
    speech: [...shown].join(", "),
    kept: isPosted
      ? "I post all that I hear as text here, where Discord keeps it. I keep the words of " +
        "talk with me like those of messages, and no sound."
      : "I keep the words of talk with me like those of messages, and no sound.",
    digest: hash("sha256", [voice?.mode, ...servers, isPosted].join(" "), "hex").slice(0, 12),
  };
}

/** The card of a call, or the question to newcomers: a first line, and the terms. */
export function cardText(account: BotAccount, people?: string): string {
  const { speech, kept } = termsOf(account);
  const roles = account.config().voice?.heardRoles.map((id) => `<@&${id}>`).join(" ") ?? "";
  const part = roles === "" ? "" : `, or have one of the roles ${roles}`;
  return [
    people === undefined
      ? (`**I am in this voice channel.** I hear only people who press **Hear me**${part}. A ` +
        "press counts for this call, until they press **Stop**.")
      : `${people}, may I hear you? Until you press **Hear me**, I hear nothing of you.`,
    `Speech and its words go to ${speech}. ${kept}`,
  ].join("\n");
}

export function hearButtons(callId: string): readonly Button[] {
  return [
    { customId: `${HEAR_BUTTON}:on:${callId}`, label: "Hear me", style: "primary" },
    { customId: `${HEAR_BUTTON}:off`, label: "Stop", style: "secondary" },
  ];
}
