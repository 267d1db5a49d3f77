/** Takes a person's message to a turn of the person alone, with their own account (T13a). */

import { z } from "zod";
import { defineTool, type Tool } from "../core/turn/tool.ts";

/** The only tool of a server with `login: "each"` in other turns, which never see an account. */
export function privately(serverId: string): Tool {
  return defineTool({
    name: `mcp__${serverId}__privately`,
    description: `The person's own account at "${serverId}". Call this if their message is about ` +
      "it, or goes on with such a question. Their own words are then answered in their direct " +
      "messages; you see neither the account nor the answer.",
    input: () => z.strictObject({}),
    needs: [],
    isPersonal: true,
    isIdempotent: true, // a message is taken over once
    effect: () => undefined,
    run(_, { ports, message, also = [] }) {
      return ports.own({ ...message, text: [message, ...also].map(({ text }) => text).join("\n") });
    },
  });
}
