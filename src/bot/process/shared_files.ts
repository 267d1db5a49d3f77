/**
 * Connects the place of `files.url` with the parts of the process that use files: tools of agents, and
 * kept files of people (O17). Without `files.url`, nothing of this is loaded.
 */

import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import { Secret } from "../../config/schema/parts/secrets.ts";
import { filesFolderOf, filesPlaceOf } from "../../core/files/place.ts";
import type { SharedWorkspace } from "../../core/files/shared_workspace.ts";
import { createBucket, type ObjectStore } from "../../files/bucket.ts";
import { BucketError } from "../../files/bucket_error.ts";
import { assertMounted, FILES_NAME, forgetKept, forgetWaiting } from "../../files/place_record.ts";
import { createSharedMedia } from "../../files/shared_media.ts";
import { createSyncedFolder, type Synced } from "../../files/synced_folder.ts";
import { type Clock, schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { createMediaFolder, type MediaFolder } from "../../media/folder.ts";

/** The shared files of a process. */
export interface SharedFiles {
  readonly media: MediaFolder;
  /** The workspace of an agent that names none of its own: the same object at each call. */
  workspaceOf(agentId: string): SharedWorkspace;
  /** This process has taken work of another one: it looks at the files anew. */
  renew(): void;
  /** Why files cannot be read, or stay on this machine; `undefined` if all is well. */
  problem(): string | undefined;
  /** Sends what is left, for a second at most: another process waits for the work. */
  stop(): Promise<void>;
}

/** What the shared files need. */
export interface SharedFilesOptions extends Clock {
  readonly config: BotConfig;
  readonly dataDir: string;
  /** Whether a command runs in a workspace. */
  readonly isBusy: () => boolean;
  readonly log: Log;
}

/** How often edits of people come here and go there, in milliseconds. */
const EVERY_MS = 30_000;
const SWEEP_MS = 24 * 60 * 60 * 1_000;
/** Milliseconds that an end waits for the place. */
const STOP_MS = 1_000;

/** Creates the bucket of a config. */
export function bucketOf({ files }: Pick<BotConfig, "files">, { now }: Clock): ObjectStore {
  const place = filesPlaceOf(files);
  const { accessKeyId, secretAccessKey, endpoint, region } = files;
  const hasKeys = accessKeyId instanceof Secret && secretAccessKey instanceof Secret;
  if (place.kind !== "bucket" || !hasKeys) {
    throw new BucketError(
      "config",
      "the keys of files.url cannot be read; run this as its service",
    );
  }
  return createBucket({
    ...place,
    endpoint,
    region,
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
  }, { fetch, schedule, now });
}

/** Opens the place of the config; `undefined` for the data directory. */
export function openSharedFiles(options: SharedFilesOptions): SharedFiles | undefined {
  switch (filesPlaceOf(options.config.files).kind) {
    case "here":
      return undefined;
    case "folder":
      return inFolder(options);
    case "bucket":
      return inBucket(options);
  }
}

/** A folder that all processes mount is used as it is, as long as it is mounted. */
function inFolder({ config, dataDir, log }: SharedFilesOptions): SharedFiles {
  const path = filesFolderOf(config, dataDir);
  let problem: string | undefined;
  async function check(): Promise<void> {
    try {
      await assertMounted(path);
      problem = undefined;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }
  const media = createMediaFolder(join(path, "media"));
  const workspace: SharedWorkspace = {
    pull: check,
    async change(work) {
      await check();
      return await work();
    },
    push: () => Promise.resolve(undefined),
  };
  let cancel = () => {};
  let isStopped = false;
  async function look(): Promise<void> {
    await forgetWaiting(dataDir, path).catch((error: unknown) =>
      log.warn("Cannot delete kept files of a person who was forgotten", { error })
    );
    await check().catch(() => {}); // health shows it, and so does each tool
    if (!isStopped) cancel = schedule(() => void look(), EVERY_MS);
  }
  void look();
  return {
    media: {
      ...media,
      async keep(...file) {
        await check();
        await media.keep(...file);
      },
      forget: (userId) => forgetKept(dataDir, userId), // also while the folder is not mounted
    },
    workspaceOf: () => workspace,
    renew() {},
    problem: () => problem,
    stop() {
      isStopped = true;
      cancel();
      return Promise.resolve();
    },
  };
}

/** Each process works on a copy of the bucket. */
function inBucket(options: SharedFilesOptions): SharedFiles {
  const { config, dataDir, isBusy, now, log } = options;
  const bucket = bucketOf(config, options);
  const folder = join(dataDir, FILES_NAME);
  const media = createSharedMedia({
    root: join(dataDir, "media"),
    folder,
    bucket,
    now,
    schedule,
    log,
  });
  const workspaces = new Map<string, ReturnType<typeof createCopy>>();
  let sweptAt = now();
  let cancel = schedule(() => void look(), EVERY_MS);
  let looking: Promise<unknown> = Promise.resolve();
  let isStopped = false;

  async function look(): Promise<void> {
    const isSweepDue = now() - sweptAt >= SWEEP_MS;
    if (isSweepDue) sweptAt = now();
    const all = [...workspaces.values()];
    looking = Promise.all([media.catchUp(), ...all.map((one) => one.lookAgain(isSweepDue))]);
    await looking;
    if (!isStopped) cancel = schedule(() => void look(), EVERY_MS);
  }

  function createCopy(agentId: string) {
    const copy = createSyncedFolder({
      bucket,
      start: `agents/${agentId}/`,
      root: join(dataDir, "agents", agentId),
      record: join(folder, "agents", `${agentId}.json`),
      place: `${config.files.endpoint ?? ""} ${config.files.url ?? ""}`,
      isBusy,
      now,
    });
    const told = createTold(agentId, log);
    const push = async (): Promise<string | undefined> => {
      try {
        return told.of(await copy.sync());
      } catch (error) {
        return told.failed(error);
      }
    };
    return {
      async pull(): Promise<void> {
        try {
          told.later(await copy.sync());
        } catch (error) {
          const why = error instanceof BucketError ? error.message : "the workspace cannot be read";
          told.failed(error);
          throw new Error(`the workspace cannot be used now, because ${why}; try again later`);
        }
      },
      change: copy.change,
      push,
      problem: told.problem,
      async lookAgain(isSweepDue: boolean): Promise<void> {
        try {
          told.later(await copy.sync());
          if (isSweepDue) await copy.sweep();
        } catch (error) {
          told.failed(error);
        }
      },
    };
  }

  void media.catchUp();
  return {
    media,
    workspaceOf(agentId) {
      const known = workspaces.get(agentId) ?? createCopy(agentId);
      workspaces.set(agentId, known);
      return known;
    },
    renew: () => media.renew(),
    problem: () =>
      media.problem() ?? [...workspaces.values()].flatMap((one) => one.problem() ?? [])[0],
    async stop() {
      isStopped = true;
      cancel();
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const stopWaiting = schedule(resolve, STOP_MS);
      const last = Array.from(workspaces.values(), (one) => one.push());
      await Promise.race([Promise.all([looking, media.catchUp(), ...last]), over]);
      stopWaiting();
    },
  };
}

/** Remembers what the log and the model have been told about a workspace. */
function createTold(agentId: string, log: Log) {
  let problem: string | undefined;
  let left = "";
  /** Sentences for the next tool that changes files. */
  let waiting: string[] = [];

  function note({ conflicts, left: paths }: Synced): void {
    if (problem !== undefined) log.info("The workspace is in the file store again", { agentId });
    problem = undefined;
    for (const { path, beside } of conflicts) {
      log.warn("Two processes have changed a file of the workspace; both versions are kept", {
        agentId,
        path,
        beside,
      });
      waiting.push(
        `Another process has changed ${JSON.stringify(path)}, too: the other version is ` +
          `${JSON.stringify(beside)}.`,
      );
    }
    const listed = paths.map((path) => JSON.stringify(path)).join(", ");
    if (listed !== left && listed !== "") {
      log.warn("Files of the workspace stay on this machine", { agentId, paths: listed });
      waiting.push(`These stay on this machine, and may be gone later: ${listed}.`);
    }
    left = listed;
  }

  return {
    later: note,
    problem: (): string | undefined => problem,
    of(synced: Synced): string | undefined {
      note(synced);
      const text = waiting.join(" ");
      waiting = [];
      return text === "" ? undefined : text;
    },
    failed(error: unknown): string {
      const why = error instanceof BucketError ? error.message : "the workspace cannot be read";
      if (problem !== why) log.warn("Cannot synchronise the workspace", { agentId, error });
      problem = why;
      return `The change is on this machine only, because ${why}; it is sent later.`;
    },
  };
}
