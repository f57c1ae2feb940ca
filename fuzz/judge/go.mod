module oomshim/judge

go 1.24
