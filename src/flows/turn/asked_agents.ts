/**
 * Runs the agents that a turn asks (N4): each in a session of its own, within the call that asks.
 *
 * Their steps are in the journal of the turn. So they end with it, and after a crash they go on with
 * it. They have the rights of the turn's person, the budgets of its agent, and less time.
 */

import { runTurn, type TurnPorts } from "../../agent/turn.ts";
import { plannedCall } from "../../agent/workflow.ts";
import type { ModelUsage, ToolCall } from "../../core/model.ts";
import type { StepsTaken } from "../../core/turn/turn_outcome.ts";
import type { AskedCall } from "../../core/people/question.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import { chargeOf } from "../../core/spending/usage.ts";
import type { AskedStep, SaveSteps, Step, ToldStep } from "../../core/step.ts";
import {
  agentToAsk,
  type AskedAgent,
  checkCount,
  type SortedSteps,
  stepsOfAll,
} from "../../core/turn/asking.ts";
import type {
  AgentAnswer,
  AgentCall,
  AgentQuestion,
  AgentsPort,
} from "../../core/turn/ports/agents.ts";
import { PassesOn, showsToAskerAlone, type Tool, WaitsInside } from "../../core/turn/tool.ts";
import { questionOf } from "../../render/prompt/question.ts";
import { systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { historyChars } from "../../session/history.ts";
import { observeTokens } from "../session/turn_history.ts";
import { toolChars } from "../../core/fit_request.ts";
import type { AnswerPorts, TurnAgents, TurnRules } from "./answer_ports.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import { inForm } from "./control/prompt_form.ts";
import { type Gathered, toolboxOf } from "./gather.ts";
import type { TurnSpending } from "./spending/turn_spending.ts";
import type { TurnLinks } from "./turn_links.ts";
import type { RunningTurn } from "./turns.ts";

/** Tools that only the agent of a turn has: people would not know who asks, or the turn would move. */
const OF_THE_TURN = ["ask", "handoff", "reply_in_thread"];

/** Share of a turn's remaining time that an asked agent may take: the other one must answer, too. */
const TIME_SHARE = 0.8;

/** Maximum number of requests to the model by a helper. */
const HELPER_STEPS = 8;

/** Maximum UTF-16 units of the steps that a helper's model sees. */
const HELPER_CHARS = 40_000;

interface AskingAgent {
  /** Ids of the agents from the turn's first one to this one. */
  readonly chain: readonly string[];
  readonly tools: readonly Tool[];
}

/**
 * Creates the agents that the agent of a turn may ask. The function is long because its inner
 * functions share the turn's journal.
 *
 * @param asker The agent of the turn.
 */
export function createAskedAgents(
  shared: {
    readonly turn: RunningTurn;
    readonly boundary: string;
    readonly gathered: Gathered;
    readonly links: Pick<TurnLinks, "add">;
    readonly spending: TurnSpending;
    /** The context of the turn's own calls. */
    readonly contextOf: TurnPorts["contextOf"];
    readonly save: SaveSteps;
    /** Unix time in milliseconds at which the turn's time is over. */
    readonly endsAt: number;
  },
  asker: AskingAgent,
  ports: AnswerPorts & { readonly agents: TurnAgents },
) {
  const { turn, boundary, gathered, spending, endsAt } = shared;
  const { agents, now } = ports;
  const { message } = turn.claim;
  /** The agents that may work for all people whom the turn answers. */
  const reached = () =>
    agents.list.filter(({ id }) =>
      messagesOf(turn.claim).every(({ sender }) => agents.mayReach(id, sender.id))
    );
  const journal = [...gathered.stored.asked];
  const tools = new Map(asker.tools.map((tool) => [tool.name, tool]));
  let saving: Promise<void> = Promise.resolve();

  /** One after the other: charges and steps of agents that work side by side must not mix. */
  function save(steps: readonly Step[], waitsForDisk: boolean): Promise<void> {
    const saved = saving.then(() => shared.save(steps, waitsForDisk));
    saved.catch(() => {});
    saving = saved.catch(() => {});
    return saved;
  }

  /** Finds the questions of a call in the journal, and adds those that it lacks. */
  async function begin(
    by: AskingAgent,
    questions: readonly AgentQuestion[],
    { callKey, areHelpers }: AgentCall,
  ): Promise<readonly AskedAgent[]> {
    const own = by.chain.at(-1) ?? "";
    const known = journal.filter((one) => one.callKey === callKey);
    const more: AskedStep[] = [];
    for (const [part, { agentId = own, question }] of questions.entries()) {
      if (known.some((one) => one.part === part)) continue;
      if (!areHelpers || agentId !== own) agentToAsk(agentId, by.chain, reached());
      const number = journal.length + more.length + 1;
      const asked = { callKey, part, agentId, question, isHelper: areHelpers };
      more.push({ kind: "asked", number, ...asked, at: now() });
    }
    checkCount(journal, { count: more.length, areHelpers: areHelpers === true });
    const added = more.map((step): AskedAgent => ({ ...step, steps: [] }));
    journal.push(...added);
    if (more.length > 0) await save(more, false);
    return [...known, ...added].toSorted((one, other) => one.part - other.part);
  }

  /** Runs an agent until it answers. Returns its calls that wait for people, if there are any. */
  async function run(
    by: AskingAgent,
    asked: AskedAgent,
    ending: AbortController,
  ): Promise<ToldStep | readonly AskedCall[]> {
    if (asked.told) return asked.told;
    const { number, agentId, question, isHelper } = asked;
    const without = isHelper ? [...OF_THE_TURN, "ask_agent"] : OF_THE_TURN;
    const answering = await agents.answering(agentId, message, { within: by.tools, without });
    const { model, rules, toolPorts } = await inForm(answering, ports.forms);
    for (const tool of rules.tools) tools.set(tool.name, tool);
    const chain = [...by.chain, agentId];
    const toolbox = toolboxOf(turn, shared, rules, ports);
    const system = systemPromptOf(rules.instructions);
    const asking = agents.list.find(({ id }) => id === by.chain.at(-1));
    const text = questionOf({
      question,
      isHelper,
      asker: asking ?? { id: by.chain.at(-1) ?? "" },
      message,
      timezone: rules.timezone,
      boundary,
    });
    const { definitions } = toolbox;
    const fixedChars = system.length + text.length + toolChars(definitions);
    const room = historyChars(
      model.window ?? rules.window,
      fixedChars,
      ports.rates.rateOf(model.id),
    );
    const stepChars = isHelper ? Math.min(room, HELPER_CHARS) : room;
    const sessionKey = `agent:${agentId}:asked:${message.id}:${number}`;
    const request = { system, messages: [{ role: "user" as const, text }], sessionKey };
    const more = isHelper ? undefined : portFor({ chain, tools: rules.tools });
    const inner = (steps: readonly Step[]) =>
      steps.map((step): Step => ({ kind: "inner", number, step, at: step.at }));
    let lastUsage: ModelUsage | undefined;
    const outcome = await runTurn(() => ({ request, stepChars }), {
      model: ports.tracing?.model(model) ?? model,
      checkBudget: () => ports.spend.check(spending.by, "answer"),
      onUsage(request, usage, modelId, askedAt) {
        lastUsage = usage;
        const by = { ...spending.by, agentId };
        const at = now();
        spending.charges.push(
          chargeOf(usage, modelId, "answer", by, Math.max(0, at - askedAt), at),
        );
        observeTokens(ports.rates, request, usage, modelId);
      },
      toolbox,
      cleanSecrets: rules.cleanSecrets,
      maxSteps: isHelper ? Math.min(rules.maxSteps, HELPER_STEPS) : rules.maxSteps,
      now,
      ending,
      schedule: ports.schedule,
      timeoutMs: Math.max(1, Math.floor((endsAt - now()) * TIME_SHARE)),
      steps: asked.steps,
      // No call of the turn has such a key: the second part of theirs is a number.
      toolPorts,
      contextOf: (key) => ({
        ...shared.contextOf(key),
        sessionKey,
        callKey: `${message.id}:agent${number}:${key}`,
        agents: more,
      }),
      planned: isHelper ? undefined : planOf(rules, () => question),
      people: ports.people,
      showImages: (ids) => gathered.attachments().keptImages(ids),
      onStep: (next) => void (turn.next = next),
      onRefused: ports.events.emit.toolRefused,
      isStoreDown: ports.isStoreDown,
      save: (steps, waitsForDisk) => save(inner(steps), waitsForDisk),
    });
    switch (outcome.kind) {
      case "parked":
        await save(inner(outcome.taken.unsaved), false);
        note(number, { steps: outcome.taken.steps });
        return outcome.asked;
      case "interrupted":
        throw ending.signal.reason;
      case "refused":
        throw new RefusedCall("budget", "today's budget is used up");
      case "passed": // it has no such tool
      case "failed":
      case "reply": {
        const isAnswer = outcome.kind === "reply";
        const words = isAnswer ? outcome.text : outcome.kind === "failed" ? outcome.reason : "";
        const told: ToldStep = {
          kind: "told",
          number,
          end: isAnswer ? "done" : "failed",
          text: rules.cleanSecrets(words),
          usage: isAnswer ? lastUsage : undefined,
          at: now(),
        };
        await save([...inner(outcome.taken?.unsaved ?? []), told], false);
        note(number, { steps: outcome.taken?.steps ?? [], told });
        return told;
      }
    }
  }

  function note(number: number, course: Pick<AskedAgent, "steps" | "told">): void {
    const at = journal.findIndex((one) => one.number === number);
    const asked = journal[at];
    if (asked) journal[at] = { ...asked, ...course };
  }

  function portFor(by: AskingAgent): AgentsPort {
    return {
      async ask(questions, call) {
        const asked = await begin(by, questions, call);
        const ending = new AbortController();
        const onAbort = () => ending.abort(call.signal.reason);
        if (call.signal.aborted) onAbort();
        call.signal.addEventListener("abort", onAbort, { once: true });
        try {
          const all = asked.map((one) => run(by, one, ending));
          const first = Promise.all(all);
          first.catch((error: unknown) => ending.abort(error)); // one that fails ends the others
          await Promise.allSettled(all);
          const ends = await first;
          const waiting = ends.flatMap((end) => "kind" in end ? [] : end);
          if (waiting.length > 0) throw new WaitsInside(waiting);
          return ends.flatMap((end, index): readonly AgentAnswer[] =>
            "kind" in end
              ? [{ agentId: asked[index]?.agentId ?? "", end: end.end, text: end.text }]
              : []
          );
        } finally {
          call.signal.removeEventListener("abort", onAbort);
        }
      },
      passOn(work) {
        agentToAsk(work.to, by.chain, reached());
        throw new PassesOn(work);
      },
    };
  }

  /** Whether an agent that a call has asked, or one that it has asked, has seen such things. */
  function sawPersonal(callKey: string): boolean {
    return journal.some(({ number, steps, ...one }) =>
      one.callKey === callKey &&
      steps.some((step, at) =>
        step.kind === "answer" && step.calls.some((call) => {
          const tool = tools.get(call.name);
          if (!tool || showsToAskerAlone(call, [tool], message)) return true; // of another process
          const answers = steps.slice(0, at + 1).filter(({ kind }) => kind === "answer").length;
          return sawPersonal(`${message.id}:agent${number}:${answers}:${call.id}`);
        })
      )
    );
  }

  return {
    port: portFor(asker),
    /** Tells of calls of a turn whether an agent that they asked saw things of the asker alone (T14). */
    isPersonalIn(taken: StepsTaken | undefined): (call: ToolCall) => boolean {
      const answers = taken?.steps.filter((step) => step.kind === "answer") ?? [];
      return (call) => {
        const at = answers.findIndex(({ calls }) => calls.includes(call));
        return sawPersonal(shared.contextOf(`${at + 1}:${call.id}`).callKey);
      };
    },
    /** The steps of all agents, with those that the turn's agent has taken by now. */
    stepsWith: (own: readonly Step[]): readonly Step[] =>
      stepsOfAll({ own, earlier: gathered.stored.earlier, asked: journal }),
  };
}

/** The calls of an agent's workflow; `undefined` if it has none, or may ask no one. */
export function planOf(
  { workflow, tools }: Pick<TurnRules, "workflow" | "tools">,
  request: () => string,
): TurnPorts["planned"] {
  if (!workflow || !tools.some(({ name }) => name === "ask_agent")) return undefined;
  return (steps) => plannedCall(workflow, steps, request());
}

/** The rules of a turn. An agent that goes on with it has the rights of the first one at most (N4). */
export async function rulesAfter(
  passed: SortedSteps["passed"],
  { message }: Claim,
  { agents, rules }: AnswerPorts,
): Promise<TurnRules> {
  const [first] = passed;
  if (!first || !agents) return rules(message);
  let current = (await agents.answering(first.from, message)).rules;
  for (const { to } of passed) {
    current = (await agents.answering(to, message, { within: current.tools })).rules;
  }
  return current;
}
