/**
 * `barnacle model test`: plays a turn of two steps with each model of the config. Each line with a
 * problem has its remedy.
 */

import { definitionOf, smallTools } from "../../core/turn/tool.ts";
import { openGates } from "../../core/tool_names.ts";
import { systemPromptOf } from "../../render/prompt/prompt.ts";
import { TOOLS } from "../../tools/registry.ts";
import { ModelError, UNKNOWN_WINDOW } from "../../core/model.ts";
import { modelProblemOf } from "../../core/model_problem.ts";
import { printable } from "../../lib/text/quoted.ts";
import { askAbilities, type TriedModel, tryModel } from "../../providers/about/abilities.ts";
import { createModel, type ToldAbilities } from "../../providers/models.ts";
import { isPaid, modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { withPlainerRequests } from "../../providers/refused/plainer_requests.ts";
import { findModel } from "../../cli/models/model_settings.ts";
import { problemsText, readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Maximum silence of the server that is asked about the model, in milliseconds. */
const ASK_MS = 10_000;

/** Milliseconds for the whole turn; a large model loads for minutes, and a small machine reads so long. */
const QUESTION_MS = 15 * 60_000;

/** Largest window of a local server that counts as its small default. */
const SMALL_WINDOW = 8_192;

/** Tokens a second below which a server gets a short prompt (T2a). */
const SLOW_PER_SEC = 200;

export interface Tested {
  /** `<provider>/<model>` */
  readonly model: string;
  /** Absent after a failure. */
  readonly tried?: TriedModel;
  /** Absent after an answer. */
  readonly failure?: ModelError;
  readonly abilities: ToldAbilities;
  /** The source of the window, for people. */
  readonly windowFrom: string;
  /** Whether the server is in a private network. */
  readonly isLocal: boolean;
}

/** Tests the models of all agents and their fallbacks, each once. */
export async function testModels(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const all = new Map<string, ModelSettings>();
  for (const agent of loaded.config.agentList) {
    const found = await findModel(loaded.config, agent, io.env);
    if (found.kind === "problem") {
      io.err(problemsText([found.problem], io));
      return EXIT.config;
    }
    for (const one of [found.settings, ...found.fallbacks]) all.set(modelIdOf(one), one);
  }
  const results: Tested[] = [];
  for (const settings of all.values()) {
    results.push(await io.during(`Asking ${modelIdOf(settings)}`, testModel(settings)));
  }
  if (flags.json) io.out(JSON.stringify(results.map(jsonOf)));
  else for (const [at, result] of results.entries()) print(rowsOf(result), at > 0, io);
  const hasFailed = results.some(({ failure, tried }) => failure || tried?.secondStep === false);
  return hasFailed ? EXIT.failed : EXIT.done;
}

/** Tests one model. A failure is a result. */
export async function testModel(settings: ModelSettings): Promise<Tested> {
  const about = { model: modelIdOf(settings), isLocal: !isPaid(settings) };
  const model = withPlainerRequests(createModel(settings), { now: Date.now });
  const limit = AbortSignal.timeout(QUESTION_MS);
  try {
    const before = { ...await askAbilities(settings, ASK_MS), ...settings.abilities };
    const { contextWindow = UNKNOWN_WINDOW.contextWindow, isEarly = false } = before;
    const prompt = promptOf(isEarly || contextWindow <= SMALL_WINDOW);
    const tried = await tryModel(model, prompt, () => performance.now(), limit);
    // After the question: Ollama tells the window of a model that runs.
    const told = await askAbilities(settings, ASK_MS) ?? {};
    const abilities = { ...told, ...settings.abilities };
    return { ...about, tried, abilities, windowFrom: windowSource(settings, told) };
  } catch (error) {
    const failure = error === limit.reason ? unendedAnswer(about.model) : error;
    if (!(failure instanceof ModelError)) throw failure;
    return { ...about, failure, abilities: {}, windowFrom: ASSUMED };
  }
}

/** The prompt and the tools of an owner's turn, with the default gates. */
function promptOf(isSmall: boolean) {
  const tools = TOOLS.flatMap((tool) =>
    tool.withGates ? tool.withGates(openGates({})) ?? [] : [tool]
  );
  const full = tools.map(definitionOf);
  return {
    system: systemPromptOf({ hasTools: true, hasTables: true, ...(isSmall && { isSmall }) }),
    tools: isSmall ? smallTools(tools, full).shown : full,
  };
}

/** The failure of a server that goes on sending without an end. */
function unendedAnswer(modelId: string): ModelError {
  const message = `${modelId} did not end its answer within ${QUESTION_MS / 1_000} s`;
  return new ModelError(message, { kind: "timeout", modelId });
}

function print(rows: readonly string[][], isNext: boolean, io: Io): void {
  if (isNext) io.out("");
  printLines(inColumns(rows), io);
}

function rowsOf(
  { model, tried, failure, abilities, windowFrom, isLocal }: Tested,
): readonly string[][] {
  if (!tried) {
    const fix = failure && modelProblemOf(failure)?.fix;
    return [
      ["Model", model],
      ["Failure", printable(failure?.message ?? "no answer")],
      ...(fix === undefined ? [] : [["Fix", fix]]),
    ];
  }
  const { firstMs, totalMs, tools, images, streams, secondStep, refused, usage } = tried;
  const perSec = usage && Math.round(usage.inputTokens * 1_000 / Math.max(1, firstMs));
  const isSlow = isLocal && perSec !== undefined && perSec < SLOW_PER_SEC;
  const speed = perSec === undefined ? "" : `, ${perSec} tokens a second`;
  return [
    ["Model", model],
    ["Latency", seconds(totalMs)],
    ["Long prompt", `first token after ${seconds(firstMs)}${speed}${isSlow ? FIXES.slow : ""}`],
    ["Tools", yesNo(tools, abilities.tools) + (tools ? "" : FIXES.tools)],
    ...(secondStep === undefined ? [] : [[
      "Second step",
      secondStep ? "yes" : `no${FIXES.secondStep}`,
    ]]),
    ["Images", yesNo(images, abilities.images) + (images ? "" : FIXES.images)],
    ...refused.map(({ part, fix, reason }) => ["Refused", `${part}: ${printable(reason)}; ${fix}`]),
    ...(streams === undefined ? [] : [["Stream", streams ? "yes" : `no${FIXES.stream}`]]),
    ["Window", windowText(abilities, windowFrom, isLocal)],
    ...(usage ? [["Tokens", `${usage.inputTokens} + ${usage.outputTokens}`]] : []),
  ];
}

const FIXES = {
  slow: "; `tools.prompt: small` shortens each request, and `auto` chooses it",
  tools:
    "; set a model that calls tools, or turn on the server's tool parser (llama.cpp: --jinja, " +
    "vLLM: --enable-auto-tool-choice)",
  secondStep: "; turns with tools fail: update the server, or set another model",
  images: "; for pictures, set a model that sees them",
  stream: "; it came in one piece: a proxy may hold it back (nginx: proxy_buffering off)",
} as const;

const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;

/** The test's result, and the server's word if it differs. */
function yesNo(has: boolean, told: boolean | undefined): string {
  const word = has ? "yes" : "no";
  return told === undefined || told === has
    ? word
    : `${word} (its server says ${told ? "yes" : "no"})`;
}

function windowText({ contextWindow }: ToldAbilities, from: string, isLocal: boolean): string {
  if (contextWindow === undefined) {
    return `${UNKNOWN_WINDOW.contextWindow} tokens (${ASSUMED}); ` +
      "set contextWindow in models.providers.<provider>.models";
  }
  const isSmall = isLocal && contextWindow <= SMALL_WINDOW;
  return `${contextWindow} tokens (${from})` +
    (isSmall
      ? ": a local server's small default; raise it there (Ollama: OLLAMA_CONTEXT_LENGTH, " +
        "llama.cpp: --ctx-size, LM Studio: Context Length)"
      : "");
}

const ASSUMED = "assumed: its server does not tell";

export function windowSource(
  { abilities }: ModelSettings,
  { contextWindow, windowFrom }: ToldAbilities,
): string {
  if (abilities?.contextWindow !== undefined) return "from the config";
  if (contextWindow === undefined) return ASSUMED;
  return windowFrom === "family" ? "usual for its family" : "from its server";
}

function jsonOf({ model, tried, failure, abilities, windowFrom }: Tested): object {
  return {
    model,
    ...tried,
    failure: failure ? { kind: failure.kind, message: failure.message } : undefined,
    contextWindow: abilities.contextWindow,
    windowFrom: tried && windowFrom,
  };
}
