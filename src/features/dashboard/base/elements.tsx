/**
 * The elements that the pages of the dashboard share.
 *
 * JSX escapes every text and attribute. The page allows no inline style and no inline script, so an
 * element has classes only.
 */

/** @jsxImportSource hono/jsx */

import type { Child, PropsWithChildren } from "hono/jsx";
import type { HtmlEscapedString } from "hono/utils/html";
import type { DashboardChange } from "./changes.ts";

/** A rendered element of a page. */
export type PageView = HtmlEscapedString | Promise<HtmlEscapedString>;

/** How good a state is: it decides the colour, and a mark for people who see none. */
export type Tone = "good" | "warn" | "bad" | "plain";

const MARKS: Readonly<Record<Tone, string>> = { good: "✓", warn: "!", bad: "✕", plain: "·" };

/** A state in one word. */
export function Badge({ tone, children }: PropsWithChildren<{ tone: Tone }>): PageView {
  return (
    <span class={`badge is-${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span>
      {children}
    </span>
  );
}

/**
 * A part of a page, with a heading.
 *
 * @param id Unique on its page. Live updates replace a card whose content has changed.
 */
export function Card(
  { id, title, children }: PropsWithChildren<{ id: string; title: string }>,
): PageView {
  return (
    <section class="card" id={id} data-live aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** A moment; the page's script shows it in the reader's time zone, with the day unless it is today. */
export function Time({ at }: { at: number }): PageView {
  const text = new Date(at).toISOString();
  return <time datetime={text}>{`${text.slice(0, 16).replace("T", " ")} UTC`}</time>;
}

/** Names with their values. */
export function Facts({ rows }: { rows: readonly (readonly [string, Child])[] }): PageView {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div>
          <dt>{name}</dt> <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A command that does the same on the terminal. */
export function Command({ children }: PropsWithChildren): PageView {
  return <code class="command">{children}</code>;
}

/**
 * A link to a page of the dashboard; its script loads it without a new document.
 *
 * @param to Name of the page.
 * @param query The part after the `?`.
 */
export function PageLink(
  { to, query = {}, children }: PropsWithChildren<
    { to: string; query?: Readonly<Record<string, string>> }
  >,
): PageView {
  const text = String(new URLSearchParams(query));
  return <a href={`${to}${text && `?${text}`}`} data-page>{children}</a>;
}

/**
 * A form that makes a change; its tooltip has the command that does the same.
 *
 * @param of What the button acts on, for screen readers: `"ada"`.
 * @param isMain Whether it is what a person does most often in its card; one of a card is.
 */
export function ChangeForm(
  { change, code, of, isMain = false }: {
    change: DashboardChange;
    code: string;
    of: string;
    isMain?: boolean;
  },
): PageView {
  return (
    <form class="change" data-change={change.name}>
      <input type="hidden" name="code" value={code} />
      <button type="submit" class={isMain ? "is-main" : undefined} title={change.command(code)}>
        {change.label}
        <span class="hidden">{` ${of}`}</span>
      </button>
      <div class="result" role="status" />
    </form>
  );
}

/** A form whose fields become the query of a page: a filter, a search, a question. */
export function QueryForm(
  { to, label, children }: PropsWithChildren<{ to: string; label: string }>,
): PageView {
  return (
    <form class="query" action={to} data-query>
      {children}
      <button type="submit">{label}</button>
    </form>
  );
}

export function Field(
  { name, label, value }: { name: string; label: string; value?: string },
): PageView {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} value={value} />
    </label>
  );
}

export function Choice(
  { name, label, value, options }: {
    name: string;
    label: string;
    value?: string;
    /** Values with their texts. */
    options: readonly (readonly [string, string])[];
  },
): PageView {
  return (
    <label class="field">
      <span>{label}</span>
      <select name={name}>
        {options.map(([one, text]) => <option value={one} selected={one === value}>{text}</option>)}
      </select>
    </label>
  );
}
