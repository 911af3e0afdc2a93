export { checkTree, type Tree } from './check-tree.ts';
export { parseImportTable } from './import-table.ts';
