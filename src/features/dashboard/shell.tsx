/**
 * Renders the document of the dashboard, which is the same for everyone: it has no data. Its script
 * asks for those with the token of a session.
 */

/** @jsxImportSource hono/jsx */

import type { PageView } from "./base/elements.tsx";
import { PAGES } from "./pages/table.ts";

export function shell(): string {
  return `<!doctype html>${document()}`;
}

function document(): PageView {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Barnacle</title>
        <link rel="icon" href="assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="assets/page.css" />
        <script type="module" src="assets/page.js" />
      </head>
      <body>
        <a class="skip" href="#page">Skip to the page</a>
        <header class="top">
          <a class="brand" href={PAGES[0]?.path} data-page>
            <img src="assets/icon.svg" alt="" width="28" height="28" />
            <strong>Barnacle</strong>
          </a>
          <nav aria-label="Pages" id="pages" hidden>
            {PAGES.map(({ path, title }) => <a href={path} data-page>{title}</a>)}
          </nav>
          <span class="live" id="live" role="status" />
          <button type="button" id="logout" hidden>Log out</button>
        </header>
        <p class="hidden" id="news" role="status" />
        <p class="problem" id="problem" role="alert" />
        <main id="page" tabindex={-1} />
        <main class="card login" id="login" hidden>
          <h1>Log in</h1>
          <p id="login-text">
            Run <code>barnacle dashboard</code>{" "}
            on the machine of the bot, and open the address that it prints.
          </p>
          <button type="button" id="login-button" hidden>Log in</button>
        </main>
        <noscript>This page needs its script, which comes from the bot.</noscript>
      </body>
    </html>
  );
}
