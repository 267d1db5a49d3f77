/** `/join`, `/leave` and `/deafen`, and the button of the card in a voice channel (V1, V3). */

import { HEAR_BUTTON } from "../../core/outbound/outbound.ts";
import type { Command, Component } from "../../interactions/base/command.ts";

const common = {
  needs: "everyone", // who may talk to the bot in the voice channel
  isOffered: ({ config }) => config().voice !== undefined,
  async run(call, account) {
    if (!account.voiceIndex) return "I join no voice channels: my config has no `voice`.";
    const { runVoiceCommand } = await import("./calls.ts");
    return await runVoiceCommand(account.forPart("voice"), call);
  },
} as const satisfies Partial<Command>;

export const VOICE_COMMANDS: readonly Command[] = [
  {
    ...common,
    name: "join",
    description: "Call me into a voice channel",
    options: [{ name: "channel", description: "Channel (default: yours)", type: "channel" }],
  },
  { ...common, name: "leave", description: "Send me out of the voice channel" },
  {
    ...common,
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

/** Each person decides for themselves alone. */
export const hearButton: Component = {
  kind: "button",
  name: HEAR_BUTTON,
  needs: "everyone",
  async run(press, account) {
    if (!account.voiceIndex) return undefined;
    const { runHearPress } = await import("./calls.ts");
    return { how: "reply", text: await runHearPress(account.forPart("voice"), press) };
  },
};
