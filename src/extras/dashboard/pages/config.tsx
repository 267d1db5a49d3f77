/**
 * The part Config of the page Settings: the state of the file, its problems as of `barnacle config check`, an editor, the
 * previous file, and a search for keys.
 */

/** @jsxImportSource hono/jsx */

import { Buffer } from "node:buffer";
import { statSync } from "node:fs";
import { blankSecrets } from "../editor/blanks.ts";
import { findKeys } from "../../../config/keys/find_keys.ts";
import { defaultText } from "../../../config/reference.ts";
import { docText } from "../../../config/schema/parts/key.ts";
import { allowedBy } from "../../../config/schema/parts/shape.ts";
import type { ConfigState } from "../../../http/snapshot.ts";
import { type CheckedFile, checkFile } from "../../config/exports.ts";
import {
  Badge,
  Card,
  ChangeForm,
  Command,
  Facts,
  Field,
  QueryForm,
  Time,
} from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import {
  editConfig,
  openForEditor,
  previousOf,
  Problems,
  revisionOf,
  undoConfig,
} from "../changes/config.tsx";

/** Most bytes of a text in a request, which may have 64 KiB. */
const MAX_BYTES = 60 * 1_024;

/** Most keys that a search lists. */
const MAX_FOUND = 12;

interface ConfigFacts {
  readonly file: string | undefined;
  readonly state: ConfigState | undefined;
  readonly checked: CheckedFile;
  readonly editor: {
    /** With blanks in place of secrets. */
    readonly text: string;
    readonly revision: string;
  } | { readonly problem: string };
  /** Unix time in milliseconds of the previous file; absent if there is none. */
  readonly previousAt?: number;
  /** The searched words; absent before a search. */
  readonly words?: string;
  readonly search?: ReturnType<typeof findKeys>;
}

/** Shows the config, and offers to change it. */
export const configPart: AnyPage = page<ConfigFacts>({
  async load(parts, query) {
    const { configFile: file, env, bot } = parts;
    const words = query.get("search") ?? undefined;
    const opened = openForEditor(parts);
    return {
      file,
      state: bot.snapshot().config,
      checked: await checkFile(file, env),
      editor: "problem" in opened ? opened : editorOf(opened.text, parts.clean),
      previousAt: "problem" in opened ? undefined : timeOf(previousOf(opened.file)),
      words,
      search: words === undefined
        ? undefined
        : findKeys(words, (await import("fastest-levenshtein")).distance),
    };
  },
  view: (facts) => (
    <>
      <State {...facts} />
      <Search {...facts} />
      <Card id="problems" title="Problems">
        {facts.checked.problems.length === 0 && <p class="empty">The file has no problems.</p>}
        <Problems problems={facts.checked.problems} />
        <p class="hint">
          <Command>barnacle config check</Command>
        </p>
      </Card>
      <Editor {...facts} />
    </>
  ),
});

function editorOf(text: string, clean: (text: string) => string): ConfigFacts["editor"] {
  const blanked = blankSecrets(text);
  if (clean(blanked.text) !== blanked.text) {
    return {
      problem:
        "The file has the text of a secret at a key that is for none. This page cannot keep " +
        "it; change the file on the terminal",
    };
  }
  if (!blanked.isRestorable) {
    return {
      problem:
        "The file has a syntax error and secrets. This page cannot keep these; correct the " +
        "file on the terminal",
    };
  }
  if (Buffer.byteLength(JSON.stringify(blanked.text)) > MAX_BYTES) {
    return { problem: "The file is too large to change it here; change it on the terminal" };
  }
  return { text: blanked.text, revision: revisionOf(text) };
}

function timeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function State({ file, state, checked }: ConfigFacts): PageView {
  return (
    <Card id="state" title="State">
      <Facts
        rows={[
          ["File", <code>{file ?? "none"}</code>],
          [
            "The file",
            <Badge tone={checked.ok ? "good" : "bad"}>
              {checked.ok ? "valid" : "not valid"}
            </Badge>,
          ],
          ["The bot runs", runningText(state)],
          ...(state === undefined ? [] : [["Taken", <Time at={state.loadedAt} />] as const]),
          ...(state?.since === undefined
            ? []
            : [["The last good one since", <Time at={state.since} />] as const]),
        ]}
      />
    </Card>
  );
}

function runningText(state: ConfigState | undefined): string {
  if (state === undefined) return "not known yet";
  const { problem, atTheNextStart = [] } = state;
  if (problem === undefined && atTheNextStart.length > 0) {
    return `this file; a restart applies ${atTheNextStart.join(", ")}`;
  }
  return problem === undefined ? "this file" : `the last good config, because of this: ${problem}`;
}

function Search({ words, search }: ConfigFacts): PageView {
  const { found = [], instead } = search ?? {};
  return (
    <Card id="search" title="Find a key">
      <QueryForm to="settings" label="Find">
        <Field name="search" label="Words or a name" value={words} placeholder="history limit" />
      </QueryForm>
      {instead !== undefined && <p>Nothing has these words. Keys with “{instead}”:</p>}
      {search && found.length === 0 && <p class="empty">No key has these words.</p>}
      {found.slice(0, MAX_FOUND).map(({ key }) => (
        <article aria-label={key.path}>
          <h3>
            <code>{key.path}</code>
          </h3>
          <p>{docText(key.doc)}</p>
          <p class="hint">
            Value: {allowedBy(key.schema)}. Default: {defaultText(key)}
          </p>
        </article>
      ))}
      {found.length > MAX_FOUND && (
        <p class="hint">{`${found.length - MAX_FOUND} more keys; add a word`}</p>
      )}
      <p class="hint">
        <Command>barnacle config explain &lt;key, or words&gt;</Command>
      </p>
    </Card>
  );
}

/** Why the file cannot be changed here, and the commands that help on the terminal. */
function NoEditor(
  { editor, file, previousAt }: Pick<ConfigFacts, "file" | "previousAt"> & {
    readonly editor: { readonly problem: string };
  },
): PageView {
  return (
    <>
      <p>{editor.problem}.</p>
      {file !== undefined && (
        <Facts
          rows={[
            ["Change one key", <Command>barnacle config set &lt;key&gt; &lt;value&gt;</Command>],
            ["Find the problems", <Command>{`barnacle config check --config ${file}`}</Command>],
            ...(previousAt === undefined ? [] : [
              [
                "Put the previous file back",
                <Command>{`cp ${previousOf(file)} ${file}`}</Command>,
              ] as const,
            ]),
          ]}
        />
      )}
    </>
  );
}

/** No live part: it would lose the person's text. */
function Editor({ editor, file, previousAt }: ConfigFacts): PageView {
  return (
    <section class="card" id="editor" aria-labelledby="editor-title">
      <h2 id="editor-title">Change it</h2>
      {"problem" in editor ? <NoEditor {...{ editor, file, previousAt }} /> : (
        <>
          <p class="hint">
            Stars stand for secrets: leave them to keep a secret, or write a new one. Owners,{" "}
            <code>exec</code>, <code>mcp</code>, <code>http</code>{" "}
            and addresses of servers change on the terminal only.
          </p>
          <ChangeForm change={editConfig} fields={{ revision: editor.revision }}>
            <label class="field is-wide">
              <span>The config file</span>
              <textarea
                id="config-text"
                class="is-code"
                name="text"
                rows={24}
                spellcheck={false}
              >
                {`\n${editor.text}`}
              </textarea>
            </label>
          </ChangeForm>
          {previousAt !== undefined && (
            <>
              <h3>The previous file</h3>
              <p>
                As it was before its last change, kept <Time at={previousAt} />.
              </p>
              <ChangeForm change={undoConfig} fields={{ revision: editor.revision }} />
            </>
          )}
        </>
      )}
    </section>
  );
}
