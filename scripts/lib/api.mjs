// What a package's types say to those who use it, as text: every export of every entry, comments left out, in an order that no build
// changes, and behind them what those declarations name of the package without exporting it.
import { join } from "node:path";
import ts from "typescript";

/** The report of a package whose `dist` is built. */
export function apiReport({ name, dir, manifest }) {
  const entries = Object.entries(manifest.exports ?? {}).filter(([path]) => path !== "./package.json");
  const files = entries.map(([path, conditions]) => [path, join(dir, conditions.import.types)]);
  const program = ts.createProgram(
    files.map(([, file]) => file),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      types: [],
      noEmit: true,
    },
  );
  const lines = [
    `# API of ${name}`,
    "",
    "`pnpm api:update` writes it; a change of it is a change for users, and needs a changeset.",
  ];
  for (const [path, file] of files) {
    lines.push("", `## ${path === "." ? name : `${name}${path.slice(1)}`}`);
    lines.push("", "```ts", ...declarationsOf(program, file, dir), "```");
  }
  return `${lines.join("\n")}\n`;
}

function declarationsOf(program, file, dir) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} has no exports: is it built?`);
  const printer = ts.createPrinter({ removeComments: true });
  const isOurs = (node) => node.getSourceFile().fileName.startsWith(join(dir, "dist"));
  const target = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const shown = new Map();
  /** Statements of a symbol, printed; what they name of this package is looked at, too. */
  function show(symbol, exported) {
    const real = target(symbol);
    const declarations = (real.declarations ?? []).filter(isOurs);
    if (shown.has(real) || declarations.length === 0) return;
    const texts = declarations.map((declaration) => {
      const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      return printer
        .printNode(ts.EmitHint.Unspecified, statement, statement.getSourceFile())
        .replace(/^(export )?(declare )?/, "");
    });
    shown.set(real, { name: symbol.name, exported, text: [...new Set(texts)].join("\n") });
    for (const declaration of declarations) visit(declaration);
  }
  function visit(node) {
    if (ts.isIdentifier(node)) {
      const named = checker.getSymbolAtLocation(node);
      const isTop = (declaration) =>
        ts.isSourceFile(declaration.parent) ||
        ts.isVariableDeclaration(declaration) ||
        ts.isModuleBlock(declaration.parent);
      if (
        named !== undefined &&
        (target(named).declarations ?? []).some((each) => isOurs(each) && isTop(each))
      )
        show(named, false);
    }
    ts.forEachChild(node, visit);
  }

  const exports = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  const foreign = [];
  const reserved = new Set(exports.map(target));
  for (const symbol of exports) {
    if (!(target(symbol).declarations ?? []).some(isOurs))
      foreign.push(`export { ${symbol.name} } from elsewhere;`);
  }
  for (const symbol of exports) {
    const real = target(symbol);
    if (shown.has(real) && reserved.has(real)) shown.get(real).exported = true;
    show(symbol, true);
    const entry = shown.get(real);
    if (entry !== undefined) Object.assign(entry, { name: symbol.name, exported: true });
  }
  const all = [...shown.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const hidden = all.filter(({ exported }) => !exported);
  return [
    ...foreign,
    ...all.filter(({ exported }) => exported).map(({ text }) => `export ${text}`),
    ...(hidden.length > 0 ? ["", "// Named above, and not exported."] : []),
    ...hidden.map(({ text }) => text),
  ];
}
