"""From files to rows and bytes: listing, compression, tables, archives of token ids."""
