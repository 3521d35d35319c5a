# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where: the program, the library with its public headers, a CMake package
# (find_package(sluice), target sluice::sluice) and a pkg-config file. tests/package/ has consumers of both.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_include_directories(sluice_lib INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(SLUICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)

install(TARGETS sluice RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS sluice_lib sluice_sqlite EXPORT sluice ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sluice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")
if(NOT SLUICE_SYSTEM_SQLITE)
  # An application that hands sluice its own connection must use the same SQLite.
  install(FILES ${SLUICE_SQLITE_DIR}/sqlite3.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice/sqlite)
endif()

install(EXPORT sluice NAMESPACE sluice:: FILE sluice-targets.cmake DESTINATION ${SLUICE_PACKAGE_DIR})
configure_package_config_file(cmake/sluice-config.cmake.in ${PROJECT_BINARY_DIR}/sluice-config.cmake
  INSTALL_DESTINATION ${SLUICE_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sluice-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sluice-config.cmake ${PROJECT_BINARY_DIR}/sluice-config-version.cmake
  DESTINATION ${SLUICE_PACKAGE_DIR})

if(SLUICE_SYSTEM_SQLITE)
  set(SLUICE_PC_SQLITE_REQUIRES "sqlite3,")
else()
  set(SLUICE_PC_SQLITE_LIBS "-lsluice_sqlite3")
  set(SLUICE_PC_SQLITE_CFLAGS "-I\${includedir}/sluice/sqlite")
endif()
configure_file(cmake/sluice.pc.in ${PROJECT_BINARY_DIR}/sluice.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sluice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The manual page and the completion are printed by the program itself: one source for all three.
set(SLUICE_MAN_PAGE ${PROJECT_BINARY_DIR}/share/man/man1/sluice.1)
set(SLUICE_COMPLETION ${PROJECT_BINARY_DIR}/share/bash-completion/completions/sluice)
add_custom_command(TARGET sluice POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E make_directory
    ${PROJECT_BINARY_DIR}/share/man/man1 ${PROJECT_BINARY_DIR}/share/bash-completion/completions
  COMMAND sluice help --man > ${SLUICE_MAN_PAGE}
  COMMAND sluice help --completion bash > ${SLUICE_COMPLETION}
  BYPRODUCTS ${SLUICE_MAN_PAGE} ${SLUICE_COMPLETION}
  VERBATIM)
install(FILES ${SLUICE_MAN_PAGE} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${SLUICE_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
