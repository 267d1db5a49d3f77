/**
 * The tool `discord`: actions on Discord, with the rights of the asker (T3, T4, T5).
 *
 * The model sees one flat schema, because many models fill in unions badly. Behind it, each action
 * has a strict schema of its own.
 *
 * @module
 */

import { z } from "zod";
import type { ToolGate } from "../../core/tool_gates.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import type { Action } from "./action.ts";
import { ACTIONS } from "./actions.ts";
import { actionReadsElsewhere } from "./elsewhere.ts";

const input = z.looseObject({ action: z.string() });

/** The tool with all of its actions. A turn gets it with those whose gates are open. */
export const discord: Tool = toolOf(ACTIONS);

/** Creates the tool of some actions. */
function toolOf(actions: readonly Action[]): Tool {
  const byName = new Map(actions.map((action) => [action.name, action]));
  const names = [...byName.keys()];
  return defineTool({
    name: "discord",
    description: "Acts on Discord, with the rights of the person who asks. Actions:\n" +
      actions.map(({ name, input, summary }) => `- ${name}(${argumentsOf(input)}): ${summary}.`)
        .join("\n"),
    input,
    parameters: parametersOf(actions),
    withGates,
    partGates: [...new Set(actions.map(({ gate }) => gate))],
    isPersonalCall: actionReadsElsewhere,
    needs: [], // the port checks those of each action
    isIdempotent: true, // as each action is
    async run({ action: name, ...written }, context) {
      const action = byName.get(name);
      if (!action) {
        throw new Error(
          `there is no action ${JSON.stringify(name)} here; there are: ${names.join(", ")}`,
        );
      }
      // Some models write null for arguments that they leave out.
      const given = Object.entries(written).filter(([, value]) => value !== null);
      const parsed = action.input.safeParse(Object.fromEntries(given));
      if (!parsed.success) {
        throw new Error(`the arguments do not fit ${name}:\n${z.prettifyError(parsed.error)}`);
      }
      return await action.run(parsed.data, context, context.ports.discord);
    },
  });
}

/** The tool by the names of its actions: the same object for the same actions. */
const byActions = new Map([[keyOf(ACTIONS), discord]]);

function withGates(open: readonly ToolGate[]): Tool | undefined {
  const actions = ACTIONS.filter(({ gate }) => open.includes(gate));
  if (actions.length === 0) return undefined;
  const key = keyOf(actions);
  const known = byActions.get(key);
  if (known) return known;
  const made = toolOf(actions);
  byActions.set(key, made);
  return made;
}

function keyOf(actions: readonly Action[]): string {
  return actions.map(({ name }) => name).join(" ");
}

/** Names of an action's arguments; a question mark follows those that it does not need. */
function argumentsOf({ shape }: z.ZodObject): string {
  return Object.entries(shape)
    .map(([name, field]) => z.safeParse(z.strictObject({ field }), {}).success ? `${name}?` : name)
    .join(", ");
}

/** The flat schema: all arguments of all actions, each once. */
function parametersOf(actions: readonly Action[]): Readonly<Record<string, unknown>> {
  const fields = Object.assign({}, ...actions.map(({ input }) => input.shape));
  const schema = z.toJSONSchema(z.object(fields).partial(), { io: "input" });
  return {
    type: "object",
    properties: {
      action: { type: "string", enum: actions.map(({ name }) => name) },
      ...schema.properties,
    },
    required: ["action"],
  };
}
