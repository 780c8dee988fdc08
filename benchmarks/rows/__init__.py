"""What is measured: a module for each table, with the work that its contenders do in their own processes."""
