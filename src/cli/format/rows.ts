// SPDX-License-Identifier: Apache-2.0
// What --format makes of a list: a table with headers, JSON lines, or a template a row.

import { toEngineError } from "../../base/errors.ts";
import { parseTemplate, type Template } from "./go-template/template.ts";
import { type Fields, struct } from "./go-template/values.ts";
import { alignColumns } from "./table.ts";

/** How a command presents its objects. */
export interface RowFormat {
  /** The type that an error about an unknown field names. */
  readonly typeName: string;
  /** The name of each field's column, such as { ID: "CONTAINER ID" }. */
  readonly headers: Readonly<Record<string, string>>;
  /** What to print without --format, such as "table {{.ID}}\t{{.Names}}". */
  readonly defaultFormat: string;
}

/**
 * The text for the rows: format is "", "table", "json", "table TEMPLATE" or TEMPLATE, in which \t and \n may be written
 * as two characters. Each row ends with a newline; a table without rows is its header.
 */
export function formatRows(rows: Iterable<Fields>, format: string, description: RowFormat): string {
  const { typeName, headers, defaultFormat } = description;
  const chosen = format === "" || format === "table" ? defaultFormat : format === "json" ? "{{json .}}" : format;
  const isTable = chosen.startsWith("table ");
  const text = chosen.slice(isTable ? "table".length : 0);
  const template = parseTemplate(
    text
      .replace(/^ +| +$/g, "")
      .replaceAll("\\t", "\t")
      .replaceAll("\\n", "\n"),
  );
  let lines = "";
  for (const row of rows) lines += `${executeRow(template, struct(typeName, row))}\n`;
  if (!isTable) return lines;
  return alignColumns(`${template.executeHeader(headers)}\n${lines}`);
}

function executeRow(template: Template, row: Fields): string {
  try {
    return template.execute(row);
  } catch (error) {
    throw toEngineError(error, "failed to execute template");
  }
}
