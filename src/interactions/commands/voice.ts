/** Commands and the button of voice channels: `/join`, `/leave` and `/deafen` (V1, V3). */

import { HEAR_BUTTON } from "../../core/outbound/outbound.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command, Component } from "../base/command.ts";
import type { ExtraUses } from "../base/context.ts";

const ofVoice = {
  needs: "everyone", // who may talk to the bot in the voice channel
  isOffered: ({ talks }) => talks(),
  run: async (call, { byExtra, texts }) => await byExtra(call) || notice("voiceOff", {}, texts()),
} as const satisfies Partial<Command<ExtraUses>>;

export const VOICE: readonly Command<ExtraUses>[] = [
  {
    ...ofVoice,
    name: "join",
    description: "Call me into a voice channel",
    options: [{ name: "channel", description: "Channel (default: yours)", type: "channel" }],
  },
  { ...ofVoice, name: "leave", description: "Send me out of the voice channel" },
  {
    ...ofVoice,
    name: "deafen",
    description: "Make me stop hearing you",
    options: [{
      name: "who",
      description: "Choose “me”: it holds until you press Hear me",
      type: "text",
      isRequired: true,
      choices: [{ name: "me", value: "me" }],
    }],
  },
];

/** The buttons of the card in a voice channel. Each person decides for themselves alone. */
export const hearButton: Component<ExtraUses> = {
  kind: "button",
  name: HEAR_BUTTON,
  needs: "everyone",
  async run(press, { byExtra }) {
    const text = await byExtra(press);
    return text === "" ? undefined : { how: "reply", text };
  },
  failedText: (texts) => notice("failure", { id: HEAR_BUTTON }, texts),
};
