/** `barnacle intent eval` and `calibrate`: measure the intent filter, and propose a threshold (I2). */

import { DEFAULT_THRESHOLD, NEEDS_REPLY_THRESHOLD } from "../../policy/intent/heads.ts";
import { type LabelledScore, rankingQuality, thresholdQuality } from "./quality.ts";
import {
  MIN_LABELS,
  MIN_POSITIVES,
  proposeThreshold,
  replay,
  type ReplayedScores,
  type ThresholdProposal,
} from "./replay.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { effectiveValues } from "../../config/schema/accounts.ts";
import { valueAt } from "../../config/text/tree.ts";
import { printable } from "../../lib/text/quoted.ts";
import { set } from "../config/exports.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfigLeniently } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { intentWeightsIn } from "../../bot/rules/intent_weights.ts";
import type { IntentWeights } from "../../policy/intent/weights.ts";
import { dataDirOf } from "../../cli/shared/store_access.ts";
import { readHistory } from "./history.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Store } from "../../core/store/store.ts";
import { readConversations } from "./conversation_file.ts";

/** Options of `intent eval`. */
export interface EvalFlags extends CommonFlags {
  /** A file with conversations; absent: the stored history. */
  readonly file?: string;
  /** Author of the bot's messages in that file. */
  readonly bot: string;
}

/** Options of `intent calibrate`. */
export interface CalibrateFlags extends EvalFlags {
  /** Whether to write the proposed threshold. */
  readonly write: boolean;
}

/** The key that `calibrate` writes. */
const THRESHOLD_KEY = "channels.discord.intentFilter.respondThreshold";
const LABEL_STEP = '; `barnacle intent eval --help` shows a line with "label"';
const THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** Measures all heads for which there are labels. */
export async function evaluate(flags: EvalFlags, io: Io): Promise<ExitCode> {
  const config = await configBefore(flags, io);
  return await withScores(flags, io, async (scores) => {
    const threshold = await currentThreshold(config, io);
    const heads = {
      directed: qualityOf(scores.directed, threshold),
      room: qualityOf(scores.room, threshold),
      needsReply: qualityOf(scores.needsReply, NEEDS_REPLY_THRESHOLD),
    };
    if (flags.json) {
      io.out(JSON.stringify({ threshold, heads }));
      return EXIT.done;
    }
    for (
      const [title, name, used] of [
        ["For the bot?", "directed", threshold],
        ["An open request to the channel?", "room", threshold],
        ["Does it need a reply?", "needsReply", NEEDS_REPLY_THRESHOLD],
      ] as const
    ) {
      if (scores[name].length > 0) printQuality(title, scores[name], used, io);
    }
    return EXIT.done;
  });
}

/** Proposes a threshold, and writes it if asked to. */
export async function calibrate(flags: CalibrateFlags, io: Io): Promise<ExitCode> {
  const config = await configBefore(flags, io);
  return await withScores(flags, io, async (scores) => {
    const current = await currentThreshold(config, io);
    const proposal = proposeThreshold(scores.directed, current);
    if (flags.json) io.out(JSON.stringify({ current, ...proposal }));
    else io.out(proposalText(proposal, current));
    if (proposal.kind === "too-few") return EXIT.failed;
    if (proposal.kind === "keep" || !flags.write) return EXIT.done;
    const change = { path: THRESHOLD_KEY, value: String(proposal.threshold) };
    return await set({ config, json: flags.json }, change, io, () => Promise.resolve(""));
  });
}

/** Scores the file, or the stored history of all accounts; reports that there is no label. */
async function withScores(
  flags: EvalFlags,
  io: Io,
  work: (scores: ReplayedScores) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { file, bot } = flags;
  const check = async (scores: ReplayedScores, place: string, next: string) => {
    if (Object.values(scores).some(({ length }) => length > 0)) return await work(scores);
    io.problem(`${place} has no message with a label${next}`);
    return EXIT.failed;
  };
  if (file === undefined) {
    return await withStore(flags, io, async (store, { dataDir }) => {
      const scores = await ofHistory(store, weightsIn(dataDir, io));
      return await check(scores, "the history", "; let people talk to the bot, or use --file");
    });
  }
  try {
    const weights = weightsIn(dataDirOf(flags.data, io), io);
    const messages = readConversations(file, bot);
    if (!messages.some(({ author }) => author === bot)) {
      io.err(
        `${
          printable(file)
        } has no message of "${bot}"; --bot names the author of the bot's messages`,
      );
    }
    return await check(replay(messages, bot as UserId, weights), printable(file), LABEL_STEP);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    io.problem(error.message);
    return error.code;
  }
}

/** The weights of the bot with that data directory. */
export function weightsIn(dataDir: string, io: Io): IntentWeights {
  const { weights, problem } = intentWeightsIn(dataDir);
  if (problem !== undefined) io.err(`Using the shipped weights: ${problem}`);
  return weights;
}

async function ofHistory(store: Store, weights: IntentWeights): Promise<ReplayedScores> {
  const all: ReplayedScores[] = [];
  for (const accountId of await store.gateway.accountIds()) {
    const { self } = await store.gateway.loadAccount(accountId);
    if (!self) continue;
    const history = await readHistory(store, accountId, self.userId, Date.now());
    all.push(replay(history, self.userId, weights));
  }
  return {
    directed: all.flatMap(({ directed }) => directed),
    room: all.flatMap(({ room }) => room),
    needsReply: all.flatMap(({ needsReply }) => needsReply),
  };
}

/** The threshold of the config; the default one if the config is missing or invalid. */
async function currentThreshold(config: string | undefined, { env }: Io): Promise<number> {
  const loaded = await readConfigLeniently(config, env);
  if (loaded.kind !== "loaded") return DEFAULT_THRESHOLD;
  const value = valueAt(effectiveValues(loaded.written), THRESHOLD_KEY.split("."));
  return typeof value === "number" ? value : DEFAULT_THRESHOLD;
}

function qualityOf(scores: readonly LabelledScore[], threshold: number) {
  return { ...rankingQuality(scores), ...thresholdQuality(scores, threshold) };
}

function printQuality(
  title: string,
  scores: readonly LabelledScore[],
  current: number,
  io: Io,
): void {
  const { count, positives, auc, averagePrecision } = rankingQuality(scores);
  io.out(
    `${title} ${count} ${count === 1 ? "label" : "labels"}, ${percent(positives / count)} yes`,
  );
  io.out(`AUC ${decimals(auc)}, average precision ${decimals(averagePrecision)}`);
  const thresholds = [...new Set([...THRESHOLDS, current])].sort((a, b) => a - b);
  const lines = thresholds.map((threshold) => {
    const { precision, recall, f1, share } = thresholdQuality(scores, threshold);
    const mark = threshold === current ? "(used)" : "";
    const cells = [precision, recall, f1].map(decimals);
    return [String(threshold), ...cells, percent(share), mark];
  });
  const head = ["threshold", "precision", "recall", "F1", "yes", ""];
  for (const line of inColumns([head, ...lines])) io.out(line);
  io.out("");
}

function proposalText(proposal: ThresholdProposal, current: number): string {
  switch (proposal.kind) {
    case "too-few":
      return `Too few labels: ${proposal.labels}, ${proposal.positives} of them for the bot. ` +
        `At least ${MIN_LABELS} and ${MIN_POSITIVES} are needed.`;
    case "keep":
      return `Keep ${current}: ${proposal.best} is not better on the newest messages ` +
        `(F0.5 ${signed(proposal.gain)}).`;
    case "change":
      return `${THRESHOLD_KEY}: ${proposal.threshold} instead of ${current} ` +
        `(F0.5 on the newest messages ${signed(proposal.gain)}).`;
  }
}

function decimals(value: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
