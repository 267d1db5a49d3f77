/** The tool `voice`: joins voice channels, leaves them, and speaks there (V1). */

import { z } from "zod";
import { writtenChannel } from "../../core/discord/lenient.ts";
import { badArguments, defineTool, type Tool } from "../../core/turn/tool.ts";

const input = () =>
  z.object({
    action: z.enum(["join", "leave", "say"]),
    channelId: writtenChannel().optional().describe(
      "join: the voice channel. Without it, the one in which the person is.",
    ),
    text: z.string().min(1).max(1_000).optional().describe("say: the words, without markup."),
  });

export const voice: Tool = defineTool({
  name: "voice",
  isEnabled: ({ voice }) => voice !== undefined,
  description:
    "Joins a voice channel of this server, leaves it, or says a text there. The people there must " +
    "agree to be heard, and are asked.",
  input,
  seenAt({ action, channelId, text }, { sender }) {
    if (action !== "join") return { at: { kind: "voice" }, text };
    return {
      at: channelId ? { kind: "channel", id: channelId } : { kind: "voice", id: sender.id },
    };
  },
  needs: [], // the port checks those of the channel
  isIdempotent: false,
  mayRepeat: (written) => input().safeParse(written).data?.action !== "say",
  effect: (written) => {
    const { action } = input().safeParse(written).data ?? {};
    const did = { join: "joined", leave: "left", say: "used" };
    return action && { object: "voice channel", did: did[action] };
  },
  async run({ action, channelId, text }, { account, message, also = [] }) {
    const { runVoiceTool } = await import("./calls.ts");
    const own = account.forPart("voice");
    const by = [message, ...also] as const;
    if (action === "join") return await runVoiceTool(own, { action, channelId }, by);
    if (action === "leave") return await runVoiceTool(own, { action }, by);
    if (text === undefined) throw badArguments("`say` needs `text`");
    return await runVoiceTool(own, { action, text }, by);
  },
});
