/** Commands and a button that an extra answers. */

import { runByExtra } from "../../account/extra_parts.ts";
import { HEAR_BUTTON } from "../../core/outbound/outbound.ts";
import { type Command, type Component, partsOf } from "../base/command.ts";
import { serverIds } from "./mcp.ts";

/** Tells a person alone what happened since they were last here (T17). */
export const catchup: Command = {
  name: "catchup",
  description: "Read what happened since you were last here",
  options: [
    { name: "since", description: "Time, such as 2h, 3d, today or 2026-01-31", type: "text" },
    { name: "where", description: "Only this channel, with its threads", type: "channel" },
  ],
  needs: "everyone",
  isMenuOnly: true, // others would read the answer to a message
  run: (call, account) => runByExtra(account, call),
};

/** Shows and ends the asker's sign-ins with their own accounts (T13a). */
export const signins: Command = {
  name: "signins",
  description: "Show or end my access to your own accounts",
  options: [{ name: "end", description: "Server whose sign-in to end", type: "text" }],
  needs: "everyone",
  isPrivate: true,
  isOffered: (account) => serverIds(account, "each").length > 0,
  run: (call, account) => runByExtra(account, call),
};

const ofVoice = {
  needs: "everyone", // who may talk to the bot in the voice channel
  isOffered: ({ config }) => config().voice !== undefined,
  run: async (call, account) =>
    await runByExtra(account, call) || "I join no voice channels: my config has no `voice`.",
} as const satisfies Partial<Command>;

/** `/join`, `/leave` and `/deafen` (V1, V3). */
export const VOICE: readonly Command[] = [
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
export const hearButton: Component = {
  kind: "button",
  name: HEAR_BUTTON,
  needs: "everyone",
  async run(press, account) {
    const { text } = partsOf(await runByExtra(account, press));
    return text === "" ? undefined : { how: "reply", text };
  },
};
