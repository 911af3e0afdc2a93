export { checkTree } from './check-tree.ts';
export { parseImportTable } from './import-table.ts';
