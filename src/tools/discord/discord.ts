/**
 * The tool `discord`: actions on Discord, with the rights of the asker (T3, T4, T5).
 *
 * The model sees one flat schema, because many models fill in unions badly. Behind it, each action
 * has a strict schema of its own.
 */

import { z } from "zod";
import type { ToolGate } from "../../core/tool_names.ts";
import type { DiscordCall } from "../../core/turn/discord_place.ts";
import {
  badArguments,
  defineTool,
  RefusedCall,
  type Tool,
  type ToolContext,
} from "../../core/turn/tool.ts";
import { type Action, FIELDS } from "./actions/action.ts";
import { effectAt, type SeenAt } from "../../core/rights/rights.ts";
import { viewOf } from "../generated/definitions.ts";
import {
  actionReadsElsewhere,
  argumentsFor,
  destructiveOf,
  effectIn,
  effectOf,
  isDestructive,
  repliesElsewhere,
  showsNothing,
} from "./call_effects.ts";
import { CHANNEL_CHANGES } from "./actions/channel_changes.ts";
import { CHANNEL_ACTIONS } from "./actions/channels.ts";
import { EVENT_ACTIONS } from "./actions/events.ts";
import { EXPRESSION_ACTIONS, REACTION_ACTIONS } from "./actions/expressions.ts";
import { MEMBER_ACTIONS } from "./actions/members.ts";
import { MESSAGE_ACTIONS, PIN_ACTIONS, SEARCH_ACTIONS } from "./actions/messages.ts";
import { MODERATION_ACTIONS, OTHER_ACTIONS } from "./actions/moderation.ts";
import { PERMISSION_ACTIONS } from "./actions/permissions.ts";
import { POLL_ACTIONS } from "./actions/polls.ts";
import { THREAD_ACTIONS } from "./actions/threads.ts";

export const ACTIONS: readonly Action[] = [
  ...MESSAGE_ACTIONS,
  ...REACTION_ACTIONS,
  ...EXPRESSION_ACTIONS,
  ...POLL_ACTIONS,
  ...PIN_ACTIONS,
  ...THREAD_ACTIONS,
  ...SEARCH_ACTIONS,
  ...CHANNEL_ACTIONS,
  ...CHANNEL_CHANGES,
  ...PERMISSION_ACTIONS,
  ...MEMBER_ACTIONS,
  ...EVENT_ACTIONS,
  ...MODERATION_ACTIONS,
  ...OTHER_ACTIONS,
];

const input = z.looseObject({ action: z.string() });

/** The tool with all of its actions. A turn gets it with those whose gates are open. */
export const discord: Tool = toolOf(ACTIONS);

/** Creates the tool of some actions. The model's view of it is made at its first use. */
function toolOf(actions: readonly Action[]): Tool {
  const byName = new Map(actions.map((action) => [action.name, action]));
  const names = [...byName.keys()];
  let description: string | undefined;
  let parameters: Tool["parameters"];
  return defineTool({
    name: "discord",
    group: "group:discord",
    get description() {
      return description ??=
        "Acts on Discord with the rights of the person who asks. channelId and guildId are " +
        "this place by default. Actions with ! are destructive, and take reason and dryRun too.\n" +
        actions.map(lineOf).join("\n");
    },
    input,
    get parameters() {
      return parameters ??= parametersOf(actions);
    },
    withGates,
    partGates: [...new Set(actions.flatMap(({ gate }) => gate ?? []))],
    isPersonalCall: (written, message) =>
      actionReadsElsewhere(actionNamed(input.safeParse(written).data?.action), written, message),
    seenAt({ action: name, ...written }, message) {
      const action = byName.get(name);
      if (!action || action.seenAt === "nowhere" || written["dryRun"] === true) return undefined;
      const { data } = action.input.safeParse(argumentsFor(action, written, message));
      if (!data) return undefined;
      const effect = effectAt(placeOf(action.seenAt, data), data);
      return action.reads === "elsewhere" ? { ...effect, isCopy: true } : effect;
    },
    needs: [], // the port checks those of each action
    isReadOnly(written) {
      const { data } = input.safeParse(written);
      const action = data && byName.get(data.action);
      return action !== undefined && (action.seenAt === "nowhere" || data?.["dryRun"] === true);
    },
    isIdempotent: true,
    mayRepeat: (call) => {
      const { data } = input.safeParse(call);
      return data === undefined || byName.get(data.action)?.isIdempotent !== false;
    },
    async asks(given, context) {
      const actionOf = (name: unknown) => byName.get(String(name));
      const { message, open = [] } = context;
      const probed = { ...context, sharesReads: {} }; // a question is about one moment
      if (!isDestructive(actionOf(given.action), given)) return undefined;
      const waiting = destructiveOf(open, message, actionOf, (other, callKey) => {
        const parsed = input.safeParse(other).data;
        return parsed ? probe(parsed, { ...probed, callKey }) : Promise.resolve();
      });
      const { destructiveQuestion } = await import("../../flows/questions/action_questions.ts");
      return await destructiveQuestion(context, waiting);
    },
    probe,
    run,
    effect(written, message) {
      const given = input.safeParse(written).data;
      const action = actionNamed(given?.action);
      const isNone = given?.["dryRun"] === true;
      return given && action && !isNone ? effectOf(action, given, message) : undefined;
    },
  });

  function probe(
    given: z.infer<typeof input>,
    context: ToolContext & DiscordCall,
  ): Promise<string> {
    return run(given, { sharesReads: {}, ...context, isProbe: true }); // it is about one moment
  }

  async function run(
    { action: name, ...written }: z.infer<typeof input>,
    context: ToolContext & DiscordCall,
  ): Promise<string> {
    const action = byName.get(name);
    if (!action) throw refusedName(name, names);
    if (repliesElsewhere(written)) {
      throw badArguments("`replyTo` is a message of another channel than `channelId`");
    }
    const parsed = action.input.safeParse(argumentsFor(action, written, context.message));
    if (!parsed.success) {
      throw badArguments(`the arguments do not fit ${name}:\n${z.prettifyError(parsed.error)}`);
    }
    const call = { ...context, showsNothing: showsNothing(action) };
    const actions = await import("../../flows/actions/actions.ts");
    const result = await action.run(parsed.data, call, actions);
    context.noteEffect?.(effectIn(result, written, context.message));
    return result;
  }
}

function placeOf(
  at: Exclude<Action["seenAt"], "nowhere">,
  given: Readonly<Record<string, unknown>>,
): SeenAt {
  if (at === "channel" || at === "listed") {
    const id = FIELDS.channelId.safeParse(given["channelId"]).data;
    return { kind: "channel", id, ...at === "listed" && { isListed: true } };
  }
  return at === "guild"
    ? { kind: at, id: FIELDS.guildId.safeParse(given["guildId"]).data }
    : at(given);
}

/** Why there is no action of a name, with the names that there are. */
function refusedName(name: string, names: readonly string[]): RefusedCall {
  const gate = actionNamed(name)?.gate;
  const others = `here; there are: ${names.join(", ")}`;
  return gate === undefined
    ? new RefusedCall("unknown_action", `there is no action ${JSON.stringify(name)} ${others}`)
    : new RefusedCall("closed_gate", `${name} is switched off (gate ${gate}) ${others}`);
}

/** An action whose gate may be closed. */
function actionNamed(name: string | undefined): Action | undefined {
  return ACTIONS.find((action) => action.name === name);
}

/** The tool by the names of its actions: the same object for the same actions. */
const byActions = new Map([[keyOf(ACTIONS), discord]]);

function withGates(open: readonly ToolGate[]): Tool | undefined {
  const actions = ACTIONS.filter(({ gate }) => gate === undefined || open.includes(gate));
  if (actions.every(({ gate }) => gate === undefined)) return undefined;
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

/** An action with its arguments; a question mark follows those that it does not need. */
function lineOf({ name, summary, undo }: Action): string {
  const line = `${name}${undo === undefined ? "" : "!"}(${viewOf(name).line})`;
  return summary === undefined ? line : `${line}: ${summary}`;
}

/** The flat schema: all arguments of all actions, each once. */
function parametersOf(actions: readonly Action[]): Readonly<Record<string, unknown>> {
  const fields = actions.map(({ name }) => viewOf(name).fields);
  return {
    type: "object",
    properties: { action: { type: "string" }, ...Object.assign({}, ...fields) },
    required: ["action"],
  };
}
