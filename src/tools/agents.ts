/**
 * The tools `ask_agent` and `handoff`: agents work together (N4).
 *
 * An answer of another agent is untrusted text, as all results are: it may repeat words of the web
 * or of people. The asked agent acts with the rights of the person whose message the turn answers.
 */

import { z } from "zod";
import { MAX_HELPERS } from "../core/turn/asking.ts";
import type { AgentsPort } from "../core/turn/ports/agents.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";
import { badArguments } from "../core/refused_call.ts";

/** Maximum characters of a question, or of what an agent passes on. */
const MAX_TEXT = 20_000;

/** Beginnings of lines that pass for the heading of another helper's answer. */
const HEADING = /^(?=[^\S\n]*\[helper\b)/gim;

const agent = () => z.string().min(1).max(64);
const words = () => z.string().min(1).max(MAX_TEXT);

/** Asks another agent, or up to four helpers side by side. */
export const askAgent: Tool = defineTool({
  name: "ask_agent",
  effect: () => undefined, // the other agent has receipts of its own
  description:
    "Asks another agent, and returns its answer. It knows nothing of this conversation: put all " +
    "that it needs into the question. Or starts up to four helpers side by side (`parallel`), for " +
    "parts of your work that do not depend on each other.",
  input: () =>
    z.strictObject({
      agent: agent().optional().describe("Id of the agent."),
      question: words().optional(),
      parallel: z.array(
        z.strictObject({
          agent: agent().optional().describe("Id of the agent; without it, one like you."),
          question: words(),
        }),
      ).min(1).max(MAX_HELPERS).optional()
        .describe("Helpers, in place of `agent` and `question`. They cannot ask others."),
    }),
  needs: [],
  isIdempotent: true, // the journal has the answers: a second run asks no one twice
  takesTurn: true,
  async run({ agent: agentId, question, parallel }, { agents, callKey, signal }) {
    const port = portOf(agents);
    if (parallel) {
      if (agentId !== undefined || question !== undefined) {
        throw badArguments("give either `agent` and `question`, or `parallel`");
      }
      const questions = parallel.map((one) => ({ agentId: one.agent, question: one.question }));
      const answers = await port.ask(questions, { callKey, signal, areHelpers: true });
      return answers.map(({ agentId, end, text }, index) => {
        const failed = end === "failed" ? ", no answer" : "";
        return `[helper ${index + 1}: ${agentId}${failed}]\n${text.replace(HEADING, "> ")}`;
      }).join("\n\n");
    }
    if (agentId === undefined || question === undefined) {
      throw badArguments("`agent` and `question` are missing, or `parallel`");
    }
    const [answer] = await port.ask([{ agentId, question }], { callKey, signal });
    if (!answer || answer.end === "failed") {
      throw new Error(`${agentId} gave no answer: ${answer?.text ?? "unknown"}`);
    }
    return answer.text;
  },
});

/** Ends the turn, which goes on with another agent. */
export const handoff: Tool = defineTool({
  name: "handoff",
  effect: () => undefined, // the other agent has receipts of its own
  description:
    "Passes this turn on to another agent, which then answers the person in your place. Use it if " +
    "the message is that agent's job. Your turn ends: write nothing more.",
  input: () =>
    z.strictObject({
      agent: agent().describe("Id of the agent."),
      task: words().describe("The task."),
      context: words().optional().describe("Facts that it needs beside the person's message."),
    }),
  needs: [],
  isIdempotent: true, // it only ends the turn, in one transaction
  run: ({ agent: to, task, context }, { agents }) =>
    Promise.try(() => portOf(agents).passOn({ to, task, context })),
});

function portOf(agents: AgentsPort | undefined): AgentsPort {
  if (!agents) throw new Error("there is no other agent here");
  return agents;
}
