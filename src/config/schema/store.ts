/** Keys for the store, and for the place of files. */

import { z } from "zod";
import { filesFault, filesPlaceOf } from "../../core/files/place.ts";
import { baseAddress, key, lazySection, text, whole } from "./parts/key.ts";
import { secret, secretAddress } from "./parts/secrets.ts";

/** Values of `sslmode` that the client knows. */
const SSL_MODES = ["disable", "prefer", "require", "verify-full"];

/** How an address of PostgreSQL begins. */
export const POSTGRES_SCHEMES = ["postgres", "postgresql"];

/** The fault of an address of PostgreSQL, apart from its beginning. */
export function postgresFault(url: URL): string | undefined {
  if (url.hostname === "" && !url.searchParams.has("host")) return "it names no host";
  if (url.hostname.includes(",")) return "it names several hosts";
  if (!canDecode(url)) return "it has a % that begins no character; write %25 for a % itself";
  if (url.pathname.length < 2) return "it names no database";
  const mode = url.searchParams.get("sslmode");
  if (mode !== null && !SSL_MODES.includes(mode)) {
    return `sslmode is none of ${SSL_MODES.join(", ")}`;
  }
  const other = [...url.searchParams.keys()].find((name) => name !== "sslmode" && name !== "host");
  return other === undefined ? undefined : "it has parameters other than sslmode and host";
}

function canDecode({ username, password, hostname, pathname }: URL): boolean {
  try {
    decodeURIComponent([username, password, hostname, pathname].join("/"));
    return true;
  } catch {
    return false;
  }
}

/** Of a config without `store.retention`. */
const RETENTION = {
  decisionsDays: 30,
  decisionsMax: 200_000,
  contextDays: 14,
  mediaDays: 7,
  transcriptsDays: 0,
  usageDays: 400,
  knowledgeDays: 365,
  maxMb: 2_048,
};

/** `store`. */
export const store = lazySection(
  () =>
    z.strictObject({
      url: key(
        secretAddress(postgresFault, POSTGRES_SCHEMES).optional(),
        "Address of a PostgreSQL database that keeps a copy of the store, so that a second process of the " +
          "same bot can stand by and take over. `sslmode` (`disable`, `prefer`, `require` or " +
          "`verify-full`) and `host` (folder of a Unix socket) are its only parameters.",
        { unset: "none", example: "${BARNACLE_STORE_URL}" },
      ),
      partitions: key(
        whole(1, 64).default(1),
        "Number of parts into which the guilds are divided, so that all processes of the bot work. They " +
          "share the parts evenly; with 1, one process works, and the others stand by. It needs `url`, " +
          "and stays as it is while the database has a store: to change it, join the partitions by " +
          "`barnacle store move --to sqlite`, and divide them again.",
        { unit: "partitions", example: 8 },
      ),
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
          knowledgeDays: key(
            whole(0, 36_500).default(RETENTION.knowledgeDays),
            "How long to keep messages of places with `knowledge` for searches. 0 keeps them for ever.",
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
  { partitions: 1, retention: RETENTION },
  "The store.",
  { task: "operating", takesEffect: "restart" },
);

/** `files`. */
export const files = lazySection(
  () =>
    z.strictObject({
      url: key(
        text().superRefine((written, context) => {
          const fault = filesFault(written);
          if (fault === undefined) return;
          context.addIssue({ code: "custom", message: `Not a place for files: ${fault}` });
        }).optional(),
        "Place of the workspaces of agents, and of kept files of people, for several processes of one " +
          "bot. `file:///folder`: a folder that all machines mount. `s3://bucket/prefix`: an " +
          "S3-compatible store; each process works on a copy. Workspaces that `agents` names stay " +
          "where they are.",
        { unset: "the data directory of each process", example: "file:///mnt/barnacle" },
      ),
      endpoint: key(
        baseAddress("put keys into accessKeyId and secretAccessKey").optional(),
        "Address of the S3-compatible store, for `s3://`.",
        { unset: "Amazon S3 in `region`", example: "https://minio.home.arpa:9000" },
      ),
      region: key(
        z.string().regex(/^[a-z0-9-]{1,40}$/, "Expected a region, such as eu-central-1").optional(),
        "Region of the bucket. Amazon S3 needs it.",
        { unset: "`us-east-1`, with `endpoint`", example: "eu-central-1" },
      ),
      accessKeyId: key(
        secret().optional(),
        "Access key for `s3://`, written like an `apiKey`.",
        { unset: "none", example: "${FILES_ACCESS_KEY_ID}" },
      ),
      secretAccessKey: key(secret().optional(), "The secret of `accessKeyId`.", {
        unset: "none",
        example: "${FILES_SECRET_ACCESS_KEY}",
      }),
    }).prefault({}).superRefine((written, context) => {
      const { url, endpoint, region, accessKeyId, secretAccessKey } = written;
      const tell = (message: string, hint: string) =>
        context.addIssue({ code: "custom", message, params: { hint } });
      if (url === undefined || filesFault(url) !== undefined) return;
      if (filesPlaceOf({ url }).kind !== "bucket") return;
      if (accessKeyId === undefined || secretAccessKey === undefined) {
        tell(
          'A bucket needs "accessKeyId" and "secretAccessKey"',
          "write files.accessKeyId and files.secretAccessKey",
        );
      } else if (endpoint === undefined && region === undefined) {
        tell('Amazon S3 needs "region"', "write files.region, or files.endpoint of another store");
      }
    }),
  {},
  "Files that several processes share.",
  {
    task: "operating",
    takesEffect: "restart",
    example: { url: "file:///mnt/barnacle" },
  },
);
