/**
 * Runs a turn with the model, and composes its end.
 *
 * @module
 */

import type { JoinedMessage } from "../../agent/next_step.ts";
import { createToolbox } from "../../agent/toolbox.ts";
import { runTurn, type TurnPorts } from "../../agent/turn.ts";
import type { ParkedTurn, TurnOutcome } from "../../core/turn/turn_outcome.ts";
import { type Claim, type FinishedTurn, messagesOf } from "../../core/inbound/inbox.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type Model, ModelError, withGenerate } from "../../core/model.ts";
import { meteredModel } from "../../core/spending/metered_model.ts";
import type { Step } from "../../core/step.ts";
import { footerOf, withFooter } from "../../render/cost.ts";
import { freeze } from "../../render/freeze.ts";
import { prefaceOf, withPreface } from "../../render/preface.ts";
import { systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { fenced } from "../../render/prompt/untrusted.ts";
import {
  type Answered,
  type ComposedReply,
  composeReply,
  type ShownToModel,
} from "../../render/reply.ts";
import { historyChars } from "../../session/history.ts";
import { drawnFiles, earlierImages } from "../media/find_files.ts";
import {
  observeTokens,
  openHistory,
  toolChars,
  type TurnHistory,
} from "../session/turn_history.ts";
import type { Manner } from "../../core/people/chosen.ts";
import {
  answeredTurn,
  draftsOf,
  failedTurn,
  interruptedTurn,
  ofTurn,
  parkTurn,
  progressPlaceOf,
  saveSteps,
  withUndoButton,
} from "./finished_turn.ts";
import type { AnswerPorts, TurnRules } from "./answer_ports.ts";
import type { RunningTurn } from "./turns.ts";
import { gather, type Gathered, opensThread } from "./gather.ts";
import { createTurnSpending, paidTurn, refusedTurn } from "./spending/turn_spending.ts";

/**
 * Share of the history's room that the results of one turn may take in it. A later turn whose history
 * they filled would see no other turn.
 */
const KEPT_SHARE = 0.15;

/** Share of the history's room that the texts of the message's files may take. */
const FILES_SHARE = 0.5;

/**
 * Runs a turn to its end. The function is long because each port of the turn stands here once.
 *
 * @returns `undefined` if the turn is not over: the process stops, the account ends, the turn has
 * changed, or it waits for a person.
 * @throws {unknown} The store's error.
 */
export async function runAnswer(
  turn: RunningTurn,
  rules: TurnRules,
  ports: AnswerPorts,
): Promise<FinishedTurn | undefined> {
  const { now, schedule, ended, store } = ports;
  const { claim } = turn;
  const startedAt = now();
  const spending = createTurnSpending(claim.message, claim.route.agentId, ports.spend);
  const withCost = (turn: FinishedTurn) => paidTurn(turn, spending);
  const spent = await ports.spend.check(spending.by, "answer");
  if (spent) return await refusedTurn(claim, spent, rules, ports, ports.spend);
  const { window = rules.window } = ports.model;
  const { by } = spending;
  const model = meteredModel(withManner(ports.model, ports.manner ?? {}), {
    kind: "answer",
    by,
    spend: spending.port,
    now,
    onUsage: (...counted) => observeTokens(ports.rates, ...counted),
  });
  const folding = meteredModel(ports.model, { kind: "compaction", by, spend: ports.spend, now });
  const boundary = ports.randomId();
  const system = systemPromptOf(rules.instructions);
  const filesChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(turn, { boundary, filesChars }, rules, ports);
  const { texts, overheard, steps } = gathered;
  const images = gathered.files.imagesOf(texts.begunWith);
  if (ended.aborted) return undefined; // Discord takes no answer; the next start runs the turn
  const envelope = texts.first();
  const ownToolbox = createToolbox(rules.tools, {
    timeoutMs: rules.toolTimeoutMs,
    schedule,
    cleanSecrets: rules.cleanSecrets,
    fence: (result) => fenced("result", boundary, result),
    missingRight: (needs) => ports.missingRight(messagesOf(turn.claim), needs),
    keepImage: (bytes) => gathered.files.keepImage(claim.message, bytes),
    escalate: ports.people?.escalate,
  });
  const toolbox = ports.tracing?.toolbox(ownToolbox) ?? ownToolbox;
  const parts = { system, envelope, images, toolChars: toolChars(toolbox.definitions) };
  const { cleanSecrets } = rules;
  const { files } = ports;
  const { reset, timezone, userTurns, timeoutMs } = rules;
  const shows = userTurns !== undefined && { userTurns };
  const historyRules = { window, reset, timezone, timeoutMs, ...shows };
  const { sessions, rates, retryAt, randomId, log } = ports;
  const opened = await openHistory(claim, parts, historyRules, {
    // Not all ports: to copy them costs more than the rest of this function.
    ...{ store, sessions, rates, retryAt, randomId, now, schedule, log, cleanSecrets },
    stopping: ports.stopping,
    model: folding,
    ...(files && model.takesImages !== false && {
      async earlierImages(entries: readonly Entry[]) {
        const shown = gathered.files.imagesOf(messagesOf(claim).map(({ id }) => id));
        const earlier = await earlierImages(entries, shown, files);
        gathered.files.showsEarlier([...earlier.values()].flat());
        return earlier;
      },
    }),
  });
  let { history } = opened;
  const shown: ShownToModel = {
    overheard,
    // Not the model's own texts: their links would count as known because of themselves.
    texts: [
      envelope,
      ...history.entries.flatMap(({ role, text }) => role === "user" ? [text] : []),
    ],
    system,
  };
  let drawn: readonly OutboundFile[] = [];
  const compose = (text: string, home = turn.claim, of: Answered = ofTurn(home)) =>
    composeReply({
      ...of,
      text,
      files: drawn,
      shown: { ...shown, texts: [...texts.all(), ...shown.texts] },
      // In a thread, Discord takes no reply to a message of the channel.
      rules: home === turn.claim ? rules : { ...rules, replyToMode: "off" },
    });

  // The thread opens with the whole answer, so nothing of it is shown in the channel before.
  const draft = opensThread(claim) ? undefined : ports.drafts?.begin(claim.message, (text) => {
    const composed = compose(text, turn.claim, draftsOf(claim));
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
  const progress = ports.lines?.begin(progressPlaceOf(claim), rules);
  const converse = ({ requestFor }: TurnHistory, stored: readonly Step[]) =>
    runTurn(requestFor, {
      model,
      toolbox,
      contextOf: (key) => ({
        ports: ports.toolPorts,
        message: claim.message,
        also: turn.claim.also,
        sessionKey: claim.route.sessionKey,
        callKey: `${claim.message.id}:${key}`,
      }),
      steps: stored,
      ...takingIn(turn, ports),
      people: ports.people,
      readJoined: gathered.readJoined,
      showJoined: (id) => joinedMessage(id, gathered),
      showImages: gathered.files.keptImages,
      save: async (more, waitsForDisk) => {
        const charges = spending.unsaved("answer");
        const add = () => store.addSteps(claim, more, waitsForDisk, charges);
        await saveSteps(add, claim.message.id, ports);
        spending.saved();
      },
      cleanSecrets: rules.cleanSecrets,
      maxSteps: rules.maxSteps,
      now,
      stopping: ports.stopping,
      cut: turn.signal,
      schedule,
      timeoutMs: rules.timeoutMs,
      onRefused: ports.onRefused,
      onStep: progress?.step,
      onText: draft ? (soFar: string) => draft.grow(soFar) : undefined,
    });
  let outcome: TurnOutcome | ParkedTurn;
  try {
    outcome = await converse(history, steps);
    if (isTooLong(outcome)) {
      history = await opened.shrink();
      outcome = await converse(history, await store.stepsOf(claim.message.id));
    }
  } finally {
    await progress?.end(); // its timer must not outlive the turn
    await draft?.end();
  }
  if (outcome.kind === "parked") {
    await parkTurn(turn.claim, outcome, spending, ports);
    return undefined;
  }
  ports.onTurn(outcome, Math.max(0, now() - startedAt));
  switch (outcome.kind) {
    case "interrupted":
      return turn.signal.reason === "interrupted"
        ? interruptedTurn(turn.claim, texts.entries(now()))
        : undefined;
    case "failed":
      return withCost(failedTurn(turn.claim, outcome.reason, rules, ports));
    case "refused":
      return withCost(await refusedTurn(turn.claim, outcome.stop, rules, ports, ports.spend));
    case "reply": {
      drawn = await drawnFiles(outcome.taken?.steps ?? [], claim.message.id, files?.drawn);
      const here = compose(outcome.text);
      const home = await ports.threads.homeOf(turn.claim, here.kind === "reply");
      const reply = home === turn.claim ? here : compose(outcome.text, home);
      const composed = await spoken(reply, turn.claim, rules, ports);
      const seen = {
        ...outcome.taken,
        thinking: outcome.thinking,
      };
      const preface = prefaceOf(seen, ports.manner ?? {}, rules.texts);
      const ending = answeredTurn(
        home,
        composed.kind === "reply"
          ? withFooter(
            preface === "" ? composed : withPreface(composed, compose(preface, home)),
            footerOf(rules.footer, spending.cost()),
          )
          : composed,
        {
          texts,
          rules,
          maxKeptChars: Math.floor(history.freeChars * KEPT_SHARE),
          ...outcome.taken,
        },
        ports,
      );
      const { steps: taken = [] } = outcome.taken ?? {};
      return withCost(await withUndoButton(ending, taken, rules.texts, ports.canUndo));
    }
  }
}

/** Whether the model's server refused a request because of its length. */
function isTooLong(outcome: TurnOutcome | ParkedTurn): boolean {
  return outcome.kind === "failed" && outcome.error instanceof ModelError &&
    outcome.error.kind === "context_length";
}

/** Takes in messages that have arrived since, if the store and the config have that (S5). */
function takingIn(
  turn: RunningTurn,
  { store, steers, now }: AnswerPorts,
): Pick<TurnPorts, "takeIn"> {
  if (!store.takeIn || !steers) return {};
  const take = store.takeIn;
  return {
    async takeIn(unsaved) {
      let joined: Step | undefined;
      const taken = await take(turn.claim, now(), steers, (messages) => {
        joined = { kind: "joined", messageIds: messages.map(({ id }) => id), at: now() };
        return [...unsaved, joined];
      });
      if (taken) turn.claim = taken;
      return taken && joined;
    },
  };
}

/** A message that joined the turn, with its images. */
function joinedMessage(id: MessageId, { texts, files }: Gathered): JoinedMessage | undefined {
  const text = texts.of(id);
  const images = files.imagesOf([id]);
  return text === undefined ? undefined : { text, images: images.length > 0 ? images : undefined };
}

/** Adds the spoken text, if the message was spoken too (R16). */
async function spoken(
  composed: ComposedReply,
  { message }: Claim,
  { takesNoFiles }: TurnRules,
  { files, stopping }: AnswerPorts,
): Promise<ComposedReply> {
  if (composed.kind !== "reply" || takesNoFiles) return composed;
  const voice = await files?.speak(message, composed.text, stopping);
  return voice ? { ...composed, reply: { ...composed.reply, voice } } : composed;
}

/** Wraps the model that answers. A turn without a chosen manner gets the model itself. */
export function withManner(model: Model, { think, showsThinking }: Manner): Model {
  if (think === undefined && !showsThinking) return model;
  return withGenerate(
    model,
    (request, signal) =>
      model.generate({
        ...request,
        ...(think !== undefined && { thinking: think }),
        ...(showsThinking && { showsThinking }),
      }, signal),
  );
}
