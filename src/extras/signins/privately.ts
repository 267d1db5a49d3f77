/** Takes a person's message to a turn of the person alone, with their own account (T13a). */

import { z } from "zod";
import { defineTool, type Tool, type ToolContext } from "../../core/turn/tool.ts";
import { ownEffect } from "../../flows/receipts/receipts.ts";

/**
 * The only tool of a server with `login: "each"` in other turns, which never see an account.
 *
 * @param ask Its words are for the model.
 */
export function privately(serverId: string, ask: (call: ToolContext) => Promise<string>): Tool {
  const name = `mcp__${serverId}__privately`;
  return defineTool({
    name,
    description: `The person's own account at "${serverId}". Call this if their message is about ` +
      "it, or goes on with such a question. Their own words are then answered in their direct " +
      "messages; you see neither the account nor the answer.",
    input: () => z.strictObject({}),
    needs: [],
    isPersonal: true,
    isIdempotent: true, // a message is taken over once
    effect: () => ownEffect(name),
    run: (_, call) => ask(call),
  });
}
