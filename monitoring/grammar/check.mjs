// Reads a JSON list of {language, query} from standard input, and writes for each what is wrong with it, "" when nothing
// is: the text at the first place that the language's own grammar cannot read.
import { readFileSync } from "node:fs";
import { parser as logql } from "@grafana/lezer-logql";
import { parser as traceql } from "@grafana/lezer-traceql";
import { parser as promql } from "@prometheus-io/lezer-promql";

const parsers = { logql, promql, traceql };

function fault({ language, query }) {
  let found = "";
  parsers[language].parse(query).iterate({
    enter(node) {
      if (node.type.isError && !found) {
        found = `at ${node.from}: ${query.slice(node.from, node.from + 30) || "the end"}`;
      }
    },
  });
  return found;
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(fault)));
