/** Keys of `voice`: the talk in voice channels (V1). */

import { z } from "zod";
import { id } from "../../config/schema/access.ts";
import { modelRef } from "../../config/schema/models.ts";
import { key, lazyKey, text, whole } from "../../config/schema/parts/key.ts";

/** Default of `voice.pauseMs`, also while a call outlives the section. */
export const PAUSE_MS = 500;

export const voice = lazyKey(
  () =>
    z.strictObject({
      mode: key(
        z.enum(["turns", "realtime"]).default("turns"),
        "How the bot hears and speaks. `turns`: `audio.transcribe` writes each sentence of a person " +
          "down, the agent answers, and `audio.speak` speaks. `realtime`: the server of `realtime` " +
          "hears and speaks itself.",
      ),
      realtime: key(
        modelRef().optional(),
        "Model that hears and speaks in mode `realtime`: `<provider>/<model>`, at any server of " +
          "OpenAI's Realtime protocol. It speaks with `audio.voice`.",
        { unset: "none; the mode `realtime` needs it", example: "openai/gpt-realtime" },
      ),
      autoJoin: key(
        z.array(id<"channel">()).default([]),
        "Voice channels that the bot joins by itself, while a person is there who may talk to it. " +
          "Of several channels of a guild, the first such one counts.",
        { example: ["123456789012345678"] },
      ),
      follow: key(
        z.array(id<"user">()).default([]),
        "Users whom the bot follows into voice channels, where they may talk to it. Of several in " +
          "a guild, the first one counts.",
        { example: ["123456789012345678"] },
      ),
      heardRoles: key(
        z.array(id<"role">()).default([]),
        "Roles whose members the bot hears without their press of **Hear me**. Give them only to " +
          "people who know where their speech goes.",
        { example: ["123456789012345678"] },
      ),
      names: key(
        z.array(text().max(50)).max(20).default([]),
        "Further names by which people call the bot in a channel with several people. Transcription " +
          "may write a name in several ways.",
        { example: ["barney", "barni"] },
      ),
      transcript: key(
        z.boolean().default(false),
        "Whether to post the words of a call to a thread or the chat of its channel, with the names of the " +
          "speakers, and a summary at the end.",
      ),
      pauseMs: key(
        whole(200, 3_000).default(PAUSE_MS),
        "Length of a pause that ends a person's speech, in mode `turns`.",
        { unit: "milliseconds", example: 800 },
      ),
    }).superRefine(({ mode, realtime }, context) => {
      if (mode === "turns" || realtime !== undefined) return;
      context.addIssue({
        code: "custom",
        path: ["mode"],
        message: 'The mode "realtime" needs "realtime"',
        params: { hint: 'write voice.realtime, such as "openai/gpt-realtime"' },
      });
    }),
  "Talk in voice channels. Without this section, the bot joins none. The mode `turns` also needs " +
    "`audio.transcribe` and `audio.speak`.",
  { task: "agents", example: {} },
);
