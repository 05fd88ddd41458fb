# Writes a C file that holds report.css: cmake -D OUTPUT=file.c -D STYLE=report.css -P embed.cmake
file(READ ${STYLE} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE ${OUTPUT} "/* Made from report.css. */\nconst char report_style[] =\n    \"${text}\";\n")
