/**
 * Makes `docs/tools.md` from the registry of actions of the tool `discord`, and
 * `src/tools/generated/definitions.ts`, the model's view of all tools, from their inputs, and
 * `src/core/named_tools.ts`, what the config knows of them.
 *
 * With `--check` it writes nothing and fails if one of them is out of date, so that no action is added
 * without its documentation, and that the model sees each tool as it is.
 */

import { z } from "zod";
import { TOOL_GATES } from "../../src/core/tool_names.ts";
import type { Action } from "../../src/tools/discord/actions/action.ts";
import type { Tool } from "../../src/core/turn/tool.ts";
import { ACTIONS, discord } from "../../src/tools/discord/discord.ts";
import { TOOLS } from "../../src/tools/registry.ts";
import { updateGenerated } from "./generated.ts";

const PATH = "docs/tools.md";
/** The page's text. */
export function toolsPage(actions: readonly Action[] = ACTIONS): string {
  return [
    "<!-- Generated: deno run -A scripts/reference/tools.ts -->",
    "",
    "# Actions on Discord",
    "",
    "The tool `discord` has these actions. Each one needs an open gate",
    "(`channels.discord.actions.<gate>`), and runs with the rights of the person who asks: it does",
    "nothing that the person could not do by hand. Owners of the bot are bound by rights only where they",
    "read. In a channel, it shows nothing that one of its readers may not read, unless the person who",
    "asks presses a card that names the source (T4). If people would see an effect of an action who",
    "cannot read the channel of the question, a card shows the person the action first.",
    "",
    "The bot needs the permissions, too. `barnacle invite --tools` asks for those of the open gates, and",
    "`--external-emoji` for Use External Stickers. It asks for Manage Roles only if the gate `roles` is",
    "open; actions on the permissions of channels need it, too. For events in stages, give the bot",
    "Connect, Mute Members and Move Members by hand.",
    "",
    "Arguments with a question mark may be absent.",
    "",
    "- **gate**: with its default, ✔ for open and ✘ for closed.",
    "- **rights**: of the person, beside View Channel of the place. Ranks are those of the server's role",
    "  order.",
    "- **idempotent**: whether a second run changes nothing more. After a crash, Barnacle never repeats",
    "  other actions. It tells the model that their outcome is unknown.",
    "- **undo**: for destructive actions, whether Discord lets them be taken back. The person who asked,",
    "  or an owner, can do so for ten minutes, in words, by a button or by `/undo`. These actions also",
    "  take `dryRun`. A card asks before an action that people cannot take back, and for more than",
    "  `tools.discord.maxDestructive` of the others in a turn.",
    "",
    "<!-- deno-fmt-ignore-start -->",
    ...actions.map(({ name, gate, input, rights, isIdempotent, undo }) => {
      const opened = gate === undefined
        ? "any gate"
        : `gate \`${gate}\` ${TOOL_GATES[gate].isOpen ? "✔" : "✘"}`;
      const repeats = isIdempotent ? "idempotent" : "not idempotent";
      const undone = undo === undefined ? "" : `; destructive, undo: ${undo}`;
      return `- \`${name}(${
        argumentsOf(input)
      })\`: ${opened}; ${repeats}${undone}. Rights: ${rights}.`;
    }),
    "<!-- deno-fmt-ignore-end -->",
    "",
  ].join("\n");
}

/** Arguments; a question mark follows those that an action does not need. */
function argumentsOf({ shape }: z.ZodObject): string {
  return Object.entries(shape).map(([name, field]) => {
    const isOptional = z.safeParse(z.strictObject({ field }), {}).success;
    return isOptional ? `${name}?` : name;
  }).join(", ");
}

const DEFINITIONS = "src/tools/generated/definitions.ts";

/** Optional arguments of many actions, which the description explains once. */
const COMMON: ReadonlySet<string> = new Set(["channelId", "guildId", "reason", "dryRun"]);

/** An action's arguments as the model reads them in the tool's description. */
function lineOf({ shape }: z.ZodObject): string {
  return Object.entries(shape).flatMap(([name, field]) => {
    const isOptional = field._zod.optin === "optional";
    if (isOptional && COMMON.has(name)) return [];
    return isOptional ? `${name}?` : name;
  }).join(",");
}

/**
 * The arguments of an action in the flat schema. It has types and words only, because each turn pays
 * for it. The strict schemas check lengths and forms, and tell the model about them.
 */
function fieldsOf({ shape }: z.ZodObject): object {
  const { properties = {} } = z.toJSONSchema(z.object(shape).partial(), { io: "input" });
  return Object.fromEntries(Object.entries(properties).map(([name, own]) => [name, short(own)]));
}

/** The type, the choices and the description of an argument. */
function short(schema: z.core.JSONSchema._JSONSchema): Readonly<Record<string, unknown>> {
  if (typeof schema === "boolean") return {};
  const { type, enum: choices, items, anyOf, description } = schema;
  const isList = typeof items === "object" && !Array.isArray(items);
  return {
    type: anyOf ? "string" : type,
    ...(choices && { enum: choices }),
    ...(isList && { items: short(items) }),
    ...(description !== undefined && { description }),
  };
}

function schemaOf({ input }: Tool): object {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input" });
  return schema;
}

/** The text of the module with the model's view. */
export function definitionsModule(
  tools: readonly Tool[] = TOOLS,
  actions: readonly Action[] = ACTIONS,
): string {
  return [
    "// deno-fmt-ignore-file",
    "/**",
    " * Holds the model's view of tools and actions, which Zod would take 5 ms of a start to derive from",
    " * their inputs. Generated: deno run -A scripts/reference/tools.ts",
    " */",
    "",
    "/** The model's view of an action of the tool `discord`. */",
    "interface ActionView {",
    "  /** Its arguments, for the tool's description. */",
    "  readonly line: string;",
    "  /** JSON Schemas of its arguments, by name. */",
    "  readonly fields: Readonly<Record<string, unknown>>;",
    "}",
    "",
    "/** The JSON Schema of a tool's arguments; `undefined` for tools that are not in the registry. */",
    "export function schemaOf(tool: string): Readonly<Record<string, unknown>> | undefined {",
    "  return schemas[tool] ??= parsed(SCHEMAS[tool]);",
    "}",
    "",
    "export function viewOf(action: string): ActionView {",
    '  return parsed(VIEWS[action]) ?? { line: "", fields: {} };',
    "}",
    "",
    "const schemas: Record<string, Readonly<Record<string, unknown>> | undefined> = {};",
    "",
    "function parsed<View>(json: string | undefined): View | undefined {",
    "  return json === undefined ? undefined : JSON.parse(json);",
    "}",
    "",
    "const SCHEMAS: Readonly<Record<string, string>> = {",
    ...tools.filter(({ name }) => name !== discord.name)
      .map((tool) => `  ${tool.name}: ${literal(schemaOf(tool))},`),
    "};",
    "",
    "const VIEWS: Readonly<Record<string, string>> = {",
    ...actions.map(({ name, input }) =>
      `  ${name}: ${literal({ line: lineOf(input), fields: fieldsOf(input) })},`
    ),
    "};",
    "",
  ].join("\n");
}

/** The text of the module with the names of tools. */
function namesModule(): string {
  return [
    "// deno-fmt-ignore-file",
    "/**",
    " * Names all tools for the config, which loads none of them, as they declare themselves.",
    " * Generated: deno run -A scripts/reference/tools.ts",
    " */",
    "",
    'import type { NamedTool } from "./tool_names.ts";',
    "",
    "export const NAMED_TOOLS: Readonly<Record<string, NamedTool>> = {",
    ...TOOLS.map(({ name, isForOwners, group }) =>
      `  ${name}: ${JSON.stringify({ isForOwners, group })},`
    ),
    "};",
    "",
  ].join("\n");
}

/** JSON in single quotes, because it has many double ones. */
function literal(value: object): string {
  return `'${JSON.stringify(value).replace(/[\\']/g, "\\$&")}'`;
}

if (import.meta.main) {
  updateGenerated("scripts/reference/tools.ts", [
    { path: PATH, text: toolsPage() },
    { path: DEFINITIONS, text: definitionsModule() },
    { path: "src/core/named_tools.ts", text: namesModule() },
  ]);
}
