/** Keys for the store. */

import { z } from "zod";
import { key, lazySection, whole } from "./parts/key.ts";

/** Of a config without `store.retention`. */
const RETENTION = {
  decisionsDays: 30,
  decisionsMax: 200_000,
  contextDays: 14,
  mediaDays: 7,
  transcriptsDays: 0,
  usageDays: 400,
  maxMb: 2_048,
};

export const store = lazySection(
  () =>
    z.strictObject({
      retention: key(
        z.strictObject({
          decisionsDays: key(
            whole(0, 36_500).default(RETENTION.decisionsDays),
            "How long to keep decisions: why the bot answered a message or did not. 0 keeps them for " +
              "ever, within `decisionsMax`.",
            { unit: "days", example: 90 },
          ),
          decisionsMax: key(
            whole(1, 100_000_000).default(RETENTION.decisionsMax),
            "Maximum number of decisions to keep: the newest ones.",
            { unit: "decisions", example: 1_000_000 },
          ),
          contextDays: key(
            whole(0, 36_500).default(RETENTION.contextDays),
            "How long to keep messages that were not addressed to the bot, at most 200 of each channel. " +
              "0 keeps them for ever.",
            { unit: "days", example: 3 },
          ),
          mediaDays: key(
            whole(0, 36_500).default(RETENTION.mediaDays),
            "How long to keep files of people that the agent has read, and files that never reached " +
              "Discord. 0 keeps them for ever.",
            { unit: "days", example: 30 },
          ),
          transcriptsDays: key(
            whole(0, 36_500).default(RETENTION.transcriptsDays),
            "How long to keep transcripts: answered messages with their answers and the results of " +
              "tools. 0 keeps them for ever, within `maxMb`.",
            { unit: "days", example: 365 },
          ),
          usageDays: key(
            whole(0, 36_500).default(RETENTION.usageDays),
            "How long to keep tokens, money and time of model requests, which `/usage` and `barnacle " +
              "usage` show. 0 keeps them for ever.",
            { unit: "days", example: 90 },
          ),
          maxMb: key(
            whole(16, 10_000_000).default(RETENTION.maxMb),
            "Size of the stored data beyond which the oldest transcripts are deleted, except those of " +
              "the last day. The file itself does not shrink; its free pages are used again.",
            { unit: "megabytes", example: 512 },
          ),
        }).prefault({}),
        "How long to keep records, in days.",
      ),
    }).prefault({}),
  { retention: RETENTION },
  "The store.",
  { task: "operating", takesEffect: "restart" },
);
